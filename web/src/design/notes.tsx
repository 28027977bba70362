import { useEffect, useRef } from 'react'
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

/** Shows the notes above everything, open dialogs too, and has them read out. */
export function Notes() {
  const { t } = useTranslation()
  const panel = useRef<HTMLElement>(null)
  const shown = useValue(notes)
  const word = ({ what }: Note) => (typeof what === 'string' ? what : wordError(t, what.error))
  const newest = shown.at(-1)

  useEffect(() => {
    const popover = panel.current
    if (popover?.matches(':popover-open')) popover.hidePopover()
    // What is shown last is on top.
    if (shown.length > 0) popover?.showPopover()
  }, [shown])

  return (
    <>
      <p className="unseen" role="status">
        {newest && word(newest)}
      </p>
      <aside className="notes" popover="manual" ref={panel} aria-label={t('common.notes')}>
        {shown.map((note) => (
          <div key={note.id} className={`note note-${note.kind}`}>
            <span>{word(note)}</span>
            <IconButton icon="close" small label={t('common.close')} onClick={() => dismiss(note.id)} />
          </div>
        ))}
      </aside>
    </>
  )
}
