import { useTranslation } from '../i18n/useTranslation.ts'
import { wordError } from '../lib/errors.ts'
import { createValue, useValue } from '../lib/value.ts'
import { IconButton } from './Button.tsx'
import './notes.css'

interface Note {
  readonly id: number
  readonly kind: 'done' | 'failed'
  readonly what: string | { readonly error: unknown }
}

const MAX_NOTES = 3
const SHOWN_MS = 6_000

const notes = createValue<readonly Note[]>([])
let lastId = 0

function add(kind: Note['kind'], what: Note['what']): void {
  const id = ++lastId
  notes.set([...notes.get().slice(1 - MAX_NOTES), { id, kind, what }])
  setTimeout(() => dismiss(id), SHOWN_MS)
}

function dismiss(id: number): void {
  notes.set(notes.get().filter((note) => note.id !== id))
}

/** Say briefly that something is done. At most three notes are shown; the oldest goes first. */
export function noteDone(text: string): void {
  add('done', text)
}

/** Say that something that was asked for did not happen. */
export function noteFailure(error: unknown): void {
  add('failed', { error })
}

export function Notes() {
  const { t } = useTranslation()
  return (
    <div className="notes" role="status">
      {useValue(notes).map(({ id, kind, what }) => (
        <div key={id} className={`note note-${kind}`}>
          <span>{typeof what === 'string' ? what : wordError(t, what.error)}</span>
          <IconButton icon="close" small label={t('common.close')} onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  )
}
