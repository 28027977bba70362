import type { PersonaRow } from '@gator/chat'
import { useClient } from '@gator/chat/react'
import { type DragEvent, useDeferredValue, useRef, useState } from 'react'
import { Link } from '../app/Link.tsx'
import { navigate } from '../app/routes.ts'
import { Button, IconButton } from '../design/Button.tsx'
import { Empty } from '../design/Empty.tsx'
import { Icon } from '../design/Icon.tsx'
import { noteDone } from '../design/notes.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { classes } from '../lib/classes.ts'
import { wordError } from '../lib/errors.ts'
import { useTask } from '../lib/useTask.ts'
import { Avatar } from '../people/Avatar.tsx'
import '../design/page.css'
import './personas.css'
import { usePersonas } from './usePersonas.ts'

/** The personas that one may talk with, and the way in for new ones. */
export default function Gallery() {
  const { t } = useTranslation()
  const [query, setQuery] = useState('')
  const [mine, setMine] = useState(false)
  const found = usePersonas({ query: useDeferredValue(query.trim()), mine })
  const { over, handlers, importing, pick } = useCardImport()

  return (
    <div className={classes('page', over && 'page-drop')} {...handlers}>
      <header className="bar page-bar">
        <IconButton
          icon="back"
          className="only-phone"
          label={t('conversations.toList')}
          onClick={() => navigate({ name: 'home' })}
        />
        <h1>{t('personas.title')}</h1>
        <Button icon="upload" onClick={pick} disabled={importing} aria-label={t('personas.import')}>
          <span className="wide">{t('personas.import')}</span>
        </Button>
        <Link className="button button-primary" to={{ name: 'new-persona' }} aria-label={t('personas.new')}>
          <Icon name="plus" size={18} />
          <span className="wide">{t('personas.new')}</span>
        </Link>
      </header>
      <div className="page-body scroll">
        <div className="gallery-tools">
          <label className="search">
            <span className="unseen">{t('personas.search')}</span>
            <Icon name="search" size={18} />
            <input
              type="search"
              className="input"
              placeholder={t('personas.search')}
              value={query}
              onChange={(event) => setQuery(event.target.value)}
            />
          </label>
          <fieldset className="segments">
            <legend className="unseen">{t('personas.whose')}</legend>
            <button type="button" aria-pressed={!mine} onClick={() => setMine(false)}>
              {t('personas.all')}
            </button>
            <button type="button" aria-pressed={mine} onClick={() => setMine(true)}>
              {t('personas.mine')}
            </button>
          </fieldset>
        </div>
        <Results found={found} filtered={query.trim() !== '' || mine} />
      </div>
      {over && <p className="drop-hint">{t('personas.drop')}</p>}
    </div>
  )
}

function Results({
  found,
  filtered,
}: {
  readonly found: ReturnType<typeof usePersonas>
  readonly filtered: boolean
}) {
  const { t } = useTranslation()
  if (found.status === 'loading') return <p className="list-loading">{t('common.loading')}</p>
  if (found.status === 'failed') {
    return (
      <Empty icon="warning" title={wordError(t, found.error)}>
        <Button icon="refresh" onClick={found.reload}>
          {t('common.again')}
        </Button>
      </Empty>
    )
  }
  if (found.personas.length === 0) {
    return filtered ? (
      <Empty icon="search" title={t('personas.noMatch')} />
    ) : (
      <Empty icon="persona" title={t('personas.none')} text={t('personas.noneHint')} />
    )
  }
  return (
    <>
      <ul className="gallery">
        {found.personas.map((persona) => (
          <Card key={persona.id} persona={persona} />
        ))}
      </ul>
      {found.cursor !== null && (
        <Button kind="quiet" className="list-more" onClick={found.loadMore}>
          {t('common.more')}
        </Button>
      )}
    </>
  )
}

function Card({ persona }: { readonly persona: PersonaRow }) {
  const { t } = useTranslation()
  const { http } = useClient()
  const { run, busy } = useTask()
  const talk = () =>
    run(
      () => http.personas.begin(persona.id),
      ({ id }) => navigate({ name: 'conversation', id }),
    )
  return (
    <li className="card">
      <div className="card-top">
        <Avatar id={persona.id} name={persona.name} picture={persona.avatar} persona size="l" />
        <div className="card-name">
          <h2>
            <Link to={{ name: 'persona', id: persona.id }}>
              <bdi>{persona.name}</bdi>
            </Link>
          </h2>
          <p>
            {persona.mine && <span className="chip">{t('personas.yours')}</span>}
            <span className="chip">{t(`personas.visibility.${persona.visibility}`)}</span>
          </p>
        </div>
      </div>
      <p className="card-blurb" dir="auto">
        {persona.blurb}
      </p>
      {persona.tags.length > 0 && (
        <p className="card-tags">
          {persona.tags.slice(0, 4).map((tag) => (
            <span key={tag} className="chip">
              {tag}
            </span>
          ))}
        </p>
      )}
      <Button
        kind="primary"
        disabled={busy}
        onClick={talk}
        aria-label={t('personas.talkWith', { name: persona.name })}
      >
        {t('personas.talk')}
      </Button>
    </li>
  )
}

/** Takes character cards, dropped anywhere on the page or picked, and shows the persona that was made of one. */
function useCardImport() {
  const { t } = useTranslation()
  const { http } = useClient()
  const { run, busy } = useTask()
  const [over, setOver] = useState(false)
  const picker = useRef<HTMLInputElement | null>(null)

  function take(file: File | undefined) {
    if (file === undefined) return
    run(
      () => http.personas.importCard(file),
      (persona) => {
        noteDone(t('personas.imported', { name: persona.name }))
        navigate({ name: 'persona', id: persona.id })
      },
    )
  }

  function pick() {
    picker.current ??= document.createElement('input')
    picker.current.type = 'file'
    picker.current.accept = '.json,.png,.charx,application/json,image/png,application/zip'
    picker.current.onchange = () => take(picker.current?.files?.[0])
    picker.current.value = ''
    picker.current.click()
  }

  const handlers = {
    onDragOver(event: DragEvent) {
      if (!event.dataTransfer.types.includes('Files')) return
      event.preventDefault()
      setOver(true)
    },
    onDragLeave(event: DragEvent) {
      if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false)
    },
    onDrop(event: DragEvent) {
      event.preventDefault()
      setOver(false)
      take(event.dataTransfer.files[0])
    },
  }
  return { over, handlers, importing: busy, pick }
}
