import { type ReactNode, useEffect, useMemo, useState } from 'react'
import { IconButton } from '../design/Button.tsx'
import { noteDone, noteFailure } from '../design/notes.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'

interface Props {
  readonly code: string
  readonly language: string | undefined
}

/** Code beyond this many characters is shown without colours: nobody reads it here, and it costs time. */
const MAX_COLOURED = 20_000

export function CodeBlock({ code, language }: Props) {
  const { t } = useTranslation()
  const name = language?.trim().split(/\s/)[0]?.toLowerCase()
  const coloured = useColours(code, name)

  async function copy() {
    try {
      await navigator.clipboard.writeText(code)
      noteDone(t('messages.copied'))
    } catch (error) {
      noteFailure(error)
    }
  }

  return (
    <figure className="code">
      <figcaption>
        <span>{name || t('messages.code')}</span>
        <IconButton icon="copy" small label={t('messages.copyCode')} onClick={copy} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard */}
      <section className="code-scroll scroll" tabIndex={0} dir="ltr" aria-label={name || t('messages.code')}>
        <pre>
          <code>{coloured}</code>
        </pre>
      </section>
    </figure>
  )
}

type Colour = typeof import('./colours.tsx').colour

let loaded: Colour | null = null

/** The code with colours, once what colours it is loaded; from then on in the first drawing, so that nothing blinks. */
function useColours(code: string, language: string | undefined): ReactNode {
  const [colour, setColour] = useState<Colour | null>(() => loaded)
  const wanted = language !== undefined && language !== '' && code.length <= MAX_COLOURED

  useEffect(() => {
    if (!wanted || colour) return
    let mounted = true
    void import('./colours.tsx').then((module) => {
      loaded = module.colour
      if (mounted) setColour(() => module.colour)
    })
    return () => {
      mounted = false
    }
  }, [wanted, colour])

  return useMemo(() => (wanted && colour ? colour(code, language) : code), [wanted, colour, code, language])
}
