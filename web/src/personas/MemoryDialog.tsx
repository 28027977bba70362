import { useClient } from '@gator/chat/react'
import { type FormEvent, useEffect, useState } from 'react'
import { Button, IconButton } from '../design/Button.tsx'
import { Dialog } from '../design/Dialog.tsx'
import { TextArea } from '../design/Field.tsx'
import { noteDone, noteFailure } from '../design/notes.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { useTask } from '../lib/useTask.ts'
import { MAX_PIN_CHARS, MAX_PINS, MAX_SUMMARY_CHARS } from './memory.ts'
import './memory.css'

interface Props {
  readonly conversationId: string
  readonly mayWrite: boolean
  readonly onClose: () => void
}

/** What personas remember of this conversation: the summary and the pins, to read and to correct. */
export function MemoryDialog({ conversationId, mayWrite, onClose }: Props) {
  const { t } = useTranslation()
  const { http } = useClient()
  const [summary, setSummary] = useState<string | null>(null)
  const [pins, setPins] = useState<readonly Pin[]>([])
  const { run, busy } = useTask()

  useEffect(() => {
    let wanted = true
    http.memory.get(conversationId).then((memory) => {
      if (!wanted) return
      setSummary(memory.summary)
      setPins(memory.pins.map(pinOf))
    }, noteFailure)
    return () => {
      wanted = false
    }
  }, [http, conversationId])

  function save(event: FormEvent) {
    event.preventDefault()
    const kept = pins.map((pin) => pin.text.trim()).filter((text) => text !== '')
    run(
      () => http.memory.put(conversationId, { summary: summary ?? '', pins: kept }),
      () => {
        noteDone(t('common.saved'))
        onClose()
      },
    )
  }

  const change = (key: number, text: string) =>
    setPins(pins.map((pin) => (pin.key === key ? { key, text } : pin)))

  return (
    <Dialog
      shape="drawer"
      title={t('memory.title')}
      onClose={onClose}
      actions={
        mayWrite && (
          <>
            <Button onClick={onClose}>{t('common.cancel')}</Button>
            <Button type="submit" form="memory" kind="primary" disabled={busy || summary === null}>
              {t('common.save')}
            </Button>
          </>
        )
      }
    >
      <p className="memory-about">{t('memory.about')}</p>
      {summary === null ? (
        <p className="list-loading">{t('common.loading')}</p>
      ) : (
        <form id="memory" className="form" onSubmit={save}>
          <TextArea
            label={t('memory.summary')}
            hint={t('memory.summaryHint')}
            rows={7}
            maxLength={MAX_SUMMARY_CHARS}
            readOnly={!mayWrite}
            value={summary}
            onChange={(event) => setSummary(event.target.value)}
          />
          <fieldset className="pins">
            <legend className="field-title">{t('memory.pins')}</legend>
            {pins.length === 0 && <p className="field-hint">{t('memory.noPins')}</p>}
            {pins.map((pin, at) => (
              <div key={pin.key} className="pin">
                <textarea
                  className="input"
                  rows={2}
                  maxLength={MAX_PIN_CHARS}
                  readOnly={!mayWrite}
                  aria-label={t('memory.pinNumber', { number: at + 1 })}
                  value={pin.text}
                  onChange={(event) => change(pin.key, event.target.value)}
                />
                {mayWrite && (
                  <IconButton
                    small
                    icon="trash"
                    label={t('memory.unpin', { number: at + 1 })}
                    onClick={() => setPins(pins.filter((other) => other.key !== pin.key))}
                  />
                )}
              </div>
            ))}
            {mayWrite && pins.length < MAX_PINS && (
              <Button small icon="plus" onClick={() => setPins([...pins, pinOf('')])}>
                {t('memory.addPin')}
              </Button>
            )}
          </fieldset>
        </form>
      )}
    </Dialog>
  )
}

interface Pin {
  readonly key: number
  readonly text: string
}

let lastKey = 0

function pinOf(text: string): Pin {
  return { key: ++lastKey, text }
}
