import type { ConversationSummary } from '@gator/chat'
import { useClient, useConversations, usePresence } from '@gator/chat/react'
import { useEffect } from 'react'
import { Link } from '../app/Link.tsx'
import { PersonaBadge, Unread } from '../design/Badge.tsx'
import { Button } from '../design/Button.tsx'
import { Empty } from '../design/Empty.tsx'
import { noteFailure } from '../design/notes.tsx'
import { formatBrief, useLocale } from '../i18n/format.ts'
import { useTranslation } from '../i18n/useTranslation.ts'
import { classes } from '../lib/classes.ts'
import { plainText } from '../markdown/plainText.ts'
import { Avatar } from '../people/Avatar.tsx'
import { authorOf, useLearn } from '../people/directory.ts'
import './conversation-list.css'
import { useFace } from './useFace.ts'

interface Props {
  readonly selected: string | null
  readonly me: string
  readonly onNew: () => void
}

export function ConversationList({ selected, me, onNew }: Props) {
  const { t } = useTranslation()
  const { conversations } = useClient()
  const { items, status, hasMore } = useConversations()

  if (status === 'failed' && items.length === 0) {
    return (
      <Empty icon="warning" title={t('conversations.failed')}>
        <Button icon="refresh" onClick={() => void conversations.load().catch(noteFailure)}>
          {t('common.again')}
        </Button>
      </Empty>
    )
  }
  if (items.length === 0) {
    return status === 'ready' ? (
      <Empty icon="people" title={t('conversations.none')} text={t('conversations.noneHint')}>
        <Button kind="primary" icon="plus" onClick={onNew}>
          {t('conversations.new')}
        </Button>
      </Empty>
    ) : (
      <p className="list-loading">{t('common.loading')}</p>
    )
  }
  return (
    <>
      <ul className="conversation-list">
        {items.map((item) => (
          <li key={item.id}>
            <Item conversation={item} selected={item.id === selected} me={me} />
          </li>
        ))}
      </ul>
      {hasMore && (
        <Button
          kind="quiet"
          className="list-more"
          onClick={() => void conversations.loadMore().catch(noteFailure)}
        >
          {t('common.more')}
        </Button>
      )}
    </>
  )
}

interface ItemProps {
  readonly conversation: ConversationSummary
  readonly selected: boolean
  readonly me: string
}

function Item({ conversation, selected, me }: ItemProps) {
  const { t } = useTranslation()
  const locale = useLocale()
  useAuthor(conversation)
  const face = useFace(conversation)
  const presence = usePresence(conversation.peerId ?? '')
  const { lastMessage, unread } = conversation
  return (
    <Link
      to={{ name: 'conversation', id: conversation.id }}
      className={classes('conversation-item', unread > 0 && !selected && 'conversation-unread')}
      aria-current={selected ? 'page' : undefined}
    >
      <Avatar {...face} online={presence?.online ?? false} />
      <span className="conversation-text">
        <span className="conversation-top">
          <bdi className="conversation-name">{face.name}</bdi>
          {face.persona && <PersonaBadge />}
          {presence?.online && <span className="unseen">{t('presence.online')}</span>}
          {lastMessage && (
            <time className="conversation-time" dateTime={lastMessage.timestamp}>
              {formatBrief(locale, lastMessage.timestamp)}
            </time>
          )}
        </span>
        <span className="conversation-bottom">
          <span className="conversation-last">
            {lastMessage ? <LastMessage conversation={conversation} me={me} /> : t('conversations.empty')}
          </span>
          {!selected && <Unread count={unread} />}
        </span>
      </span>
    </Link>
  )
}

function LastMessage({ conversation, me }: Omit<ItemProps, 'selected'>) {
  const { t } = useTranslation()
  const { lastMessage, kind } = conversation
  if (lastMessage === null) return null
  const own = lastMessage.sender_id === me
  const by = own
    ? t('common.you')
    : kind === 'direct'
      ? null
      : (lastMessage.sender.name ?? lastMessage.sender_id)
  return (
    <>
      {by && <bdi className="conversation-by">{by}: </bdi>}
      <bdi>{plainText(lastMessage.content)}</bdi>
    </>
  )
}

/** Whoever wrote last needs not be asked for. */
function useAuthor({ lastMessage, peerId }: ConversationSummary): void {
  const learn = useLearn()
  const author = lastMessage !== null && lastMessage.sender_id === peerId ? lastMessage : null
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each message
  useEffect(() => {
    if (author) learn(authorOf(author))
  }, [author])
}
