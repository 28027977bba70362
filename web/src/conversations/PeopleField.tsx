import { type KeyboardEvent, useState } from 'react'
import { IconButton } from '../design/Button.tsx'
import { Labelled } from '../design/Field.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { Avatar } from '../people/Avatar.tsx'
import { useKnownPerson, useLearn } from '../people/directory.ts'
import { usePersonas } from '../personas/usePersonas.ts'
import { isUserId } from '../session/open.ts'
import './people.css'

interface Props {
  readonly ids: readonly string[]
  readonly onChange: (ids: readonly string[]) => void
  /** Whether personas are offered as well. */
  readonly withPersonas?: boolean
}

const MAX_OFFERED = 8

/** Collects user ids: each is a chip as soon as a comma, a line end or another field comes after it. */
export function PeopleField({ ids, onChange, withPersonas }: Props) {
  const { t } = useTranslation()
  const [text, setText] = useState('')

  function add(written: string) {
    const added = written
      .split(/[,\n]/)
      .map((each) => each.trim())
      .filter(isUserId)
    setText('')
    if (added.length > 0) onChange([...new Set([...ids, ...added])])
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === 'Enter' && text.trim() !== '') {
      event.preventDefault()
      add(text)
    } else if (event.key === 'Backspace' && text === '') {
      onChange(ids.slice(0, -1))
    }
  }

  return (
    <>
      <Labelled label={t('conversations.who')} hint={t('conversations.whoHint')}>
        {(attributes) => (
          <input
            type="text"
            className="input"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            value={text}
            onChange={(event) =>
              /[,\n]/.test(event.target.value) ? add(event.target.value) : setText(event.target.value)
            }
            onKeyDown={onKeyDown}
            onBlur={() => add(text)}
            {...attributes}
          />
        )}
      </Labelled>
      {ids.length > 0 && (
        <ul className="people-chips">
          {ids.map((id) => (
            <Chip key={id} id={id} onRemove={() => onChange(ids.filter((other) => other !== id))} />
          ))}
        </ul>
      )}
      {withPersonas && <OfferedPersonas ids={ids} onPick={(id) => onChange([...ids, id])} />}
    </>
  )
}

function Chip({ id, onRemove }: { readonly id: string; readonly onRemove: () => void }) {
  const { t } = useTranslation()
  const person = useKnownPerson(id)
  return (
    <li className="people-chip">
      <Avatar {...person} size="xs" />
      <bdi>{person.name}</bdi>
      <IconButton
        small
        icon="close"
        label={t('conversations.drop', { name: person.name })}
        onClick={onRemove}
      />
    </li>
  )
}

function OfferedPersonas({
  ids,
  onPick,
}: {
  readonly ids: readonly string[]
  readonly onPick: (id: string) => void
}) {
  const { t } = useTranslation()
  const { personas } = usePersonas({ query: '', mine: false })
  const learn = useLearn()
  const offered = personas.filter((persona) => !ids.includes(persona.id)).slice(0, MAX_OFFERED)
  if (offered.length === 0) return null
  return (
    <div className="field">
      <p className="field-title">{t('conversations.orPersonas')}</p>
      <ul className="people-chips">
        {offered.map((persona) => (
          <li key={persona.id}>
            <button
              type="button"
              className="people-chip people-offer"
              onClick={() => {
                learn({ id: persona.id, name: persona.name, picture: persona.avatar, persona: true })
                onPick(persona.id)
              }}
            >
              <Avatar id={persona.id} name={persona.name} picture={persona.avatar} persona size="xs" />
              {persona.name}
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}
