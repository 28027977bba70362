import { useEffect, useRef } from 'react'
import { PersonaBadge } from '../design/Badge.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { Avatar } from '../people/Avatar.tsx'
import './mentions.css'
import type { Mentionable } from './mentions.ts'
import { optionId } from './useMentions.ts'

interface Props {
  readonly id: string
  readonly offers: readonly Mentionable[]
  readonly active: Mentionable | undefined
  readonly onActivate: (offer: Mentionable) => void
  readonly onTake: (offer: Mentionable) => void
}

/** Whom one may mean by what is being written after an `@`. The box that is written in keeps focus and keys. */
export function MentionList({ id, offers, active, onActivate, onTake }: Props) {
  const { t } = useTranslation()
  return (
    <>
      <p className="unseen" role="status">
        {offers.length > 0 && t('compose.mentions', { count: offers.length })}
      </p>
      {offers.length > 0 && (
        <div className="mention-list scroll" role="listbox" id={id} aria-label={t('compose.mention')}>
          {offers.map((offer) => (
            <Option
              key={offer.id}
              id={optionId(id, offer)}
              offer={offer}
              active={offer === active}
              onActivate={() => onActivate(offer)}
              onTake={() => onTake(offer)}
            />
          ))}
        </div>
      )}
    </>
  )
}

interface OptionProps {
  readonly id: string
  readonly offer: Mentionable
  readonly active: boolean
  readonly onActivate: () => void
  readonly onTake: () => void
}

function Option({ id, offer, active, onActivate, onTake }: OptionProps) {
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (active) element.current?.scrollIntoView({ block: 'nearest' })
  }, [active])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the box has the keys
    // biome-ignore lint/a11y/useFocusableInteractive: focus stays in the box, which points here
    <div
      ref={element}
      role="option"
      id={id}
      aria-selected={active}
      className="mention-option"
      onMouseMove={onActivate}
      // The box would lose focus, and the list would be gone before it was clicked.
      onMouseDown={(event) => event.preventDefault()}
      onClick={onTake}
    >
      <Avatar {...offer} size="xs" />
      <bdi>{offer.name}</bdi>
      {offer.persona && <PersonaBadge />}
    </div>
  )
}
