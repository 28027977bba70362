import type { ConversationSummary } from '@gator/chat'
import { useConversations } from '@gator/chat/react'
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { useFace } from '../conversations/useFace.ts'
import { Unread } from '../design/Badge.tsx'
import { Button } from '../design/Button.tsx'
import { Dialog } from '../design/Dialog.tsx'
import { Icon } from '../design/Icon.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { Avatar } from '../people/Avatar.tsx'
import { usePeopleNames } from '../people/directory.ts'
import { navigate } from './routes.ts'
import './switcher.css'

interface Props {
  readonly onClose: () => void
  readonly onNew: () => void
}

const MAX_SHOWN = 12

/** Goes to another conversation by a few letters of its name: a combobox with the matches below it. */
export function Switcher({ onClose, onNew }: Props) {
  const { t } = useTranslation()
  const id = useId()
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const found = useFound(query)
  const active = found[Math.min(at, found.length - 1)]
  const optionId = (conversation: ConversationSummary) => `${id}-${conversation.id}`

  function go(conversation: ConversationSummary) {
    onClose()
    navigate({ name: 'conversation', id: conversation.id })
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === 'ArrowDown') setAt((at + 1) % Math.max(1, found.length))
    else if (event.key === 'ArrowUp') setAt((at - 1 + found.length) % Math.max(1, found.length))
    else if (event.key === 'Enter' && active) go(active)
    else return
    event.preventDefault()
  }

  return (
    <Dialog shape="palette" title={t('switcher.title')} onClose={onClose}>
      <div className="switcher-field">
        <Icon name="search" />
        <input
          type="text"
          role="combobox"
          aria-label={t('switcher.field')}
          aria-expanded={true}
          aria-controls={id}
          aria-activedescendant={active ? optionId(active) : undefined}
          aria-autocomplete="list"
          placeholder={t('switcher.field')}
          value={query}
          autoFocus
          onChange={(event) => {
            setQuery(event.target.value)
            setAt(0)
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <div className="switcher-list scroll" role="listbox" id={id} aria-label={t('conversations.list')}>
        {found.map((conversation) => (
          <Option
            key={conversation.id}
            id={optionId(conversation)}
            conversation={conversation}
            active={conversation === active}
            onChoose={() => go(conversation)}
          />
        ))}
      </div>
      {found.length === 0 && (
        <div className="switcher-none">
          <p>{t('switcher.none')}</p>
          <Button small icon="plus" onClick={onNew}>
            {t('conversations.new')}
          </Button>
        </div>
      )}
    </Dialog>
  )
}

interface OptionProps {
  readonly id: string
  readonly conversation: ConversationSummary
  readonly active: boolean
  readonly onChoose: () => void
}

function Option({ id, conversation, active, onChoose }: OptionProps) {
  const face = useFace(conversation)
  const element = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (active) element.current?.scrollIntoView({ block: 'nearest' })
  }, [active])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox has the keys
    // biome-ignore lint/a11y/useFocusableInteractive: focus stays in the combobox, which points here
    <div
      ref={element}
      role="option"
      id={id}
      aria-selected={active}
      className="switcher-option"
      onClick={onChoose}
    >
      <Avatar {...face} size="s" />
      <bdi>{face.name}</bdi>
      <Unread count={conversation.unread} />
    </div>
  )
}

function useFound(query: string): readonly ConversationSummary[] {
  const { items } = useConversations()
  const nameOf = usePeopleNames()
  const wanted = query.trim().toLocaleLowerCase()
  return items
    .filter((item) => {
      const peer = item.peerId === null ? '' : nameOf(item.peerId)
      return `${item.title ?? item.id} ${peer}`.toLocaleLowerCase().includes(wanted)
    })
    .slice(0, MAX_SHOWN)
}
