import type { Conversation, MessageItem } from '@gator/chat'
import { type MouseEvent, memo, type RefObject, useEffect, useRef, useState } from 'react'
import { Button } from '../design/Button.tsx'
import { Icon } from '../design/Icon.tsx'
import { formatMoment, formatTime, useLocale } from '../i18n/format.ts'
import { useTranslation } from '../i18n/useTranslation.ts'
import { classes } from '../lib/classes.ts'
import { wordError } from '../lib/errors.ts'
import { Markdown } from '../markdown/Markdown.tsx'
import { Avatar } from '../people/Avatar.tsx'
import { authorOf } from '../people/directory.ts'
import './message.css'
import { MessageTools } from './MessageTools.tsx'

interface Props {
  readonly message: MessageItem
  readonly first: boolean
  readonly last: boolean
  readonly own: boolean
  readonly conversation: Conversation
}

/** What somebody said: a bubble, with its author where a group of messages begins. */
export const MessageView = memo(function MessageView({ message, first, last, own, conversation }: Props) {
  const { t } = useTranslation()
  const author = authorOf(message)
  const label = own ? t('messages.byYou') : t('messages.by', { name: author.name })
  const article = useRef<HTMLElement>(null)
  const { tapped, onClick } = useTapped(article)
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys reach the tools without it
    <article
      ref={article}
      className={classes(
        'message',
        own && 'message-own',
        first && 'message-first',
        last && 'message-last',
        tapped && 'message-tapped',
      )}
      aria-label={label}
      onClick={onClick}
    >
      {!own && (
        <div className="message-face">
          {first && (
            <Avatar
              id={author.id}
              name={author.name}
              picture={author.picture}
              persona={author.persona}
              size="s"
            />
          )}
        </div>
      )}
      <div className="message-main">
        {first && !own && (
          <p className="message-author">
            <bdi className="message-name">{author.name}</bdi>
          </p>
        )}
        <div className="message-line">
          <div className={classes('bubble', message.state === 'failed' && 'bubble-failed')}>
            <Markdown content={message.content} />
            <Stamp message={message} own={own} />
          </div>
          <MessageTools content={message.content} conversation={conversation} />
        </div>
        {message.state === 'failed' && <Failed message={message} conversation={conversation} />}
      </div>
    </article>
  )
})

/** Whoever cannot point at a message taps it for its tools, until they tap it again, or elsewhere. */
function useTapped(article: RefObject<HTMLElement | null>) {
  const [tapped, setTapped] = useState(false)
  useEffect(() => {
    if (!tapped) return
    const endOutside = (event: PointerEvent) => {
      if (event.target instanceof Node && !article.current?.contains(event.target)) setTapped(false)
    }
    document.addEventListener('pointerdown', endOutside)
    return () => document.removeEventListener('pointerdown', endOutside)
  }, [tapped, article])

  function onClick({ target }: MouseEvent) {
    // What can be tapped itself has a purpose of its own.
    if (target instanceof Element && !target.closest('a, button')) setTapped(!tapped)
  }
  return { tapped, onClick }
}

/** When it was said and, of one's own, how far it has got. */
function Stamp({ message, own }: { readonly message: MessageItem; readonly own: boolean }) {
  const { t } = useTranslation()
  const locale = useLocale()
  return (
    <span className="stamp">
      <time dateTime={message.timestamp} title={formatMoment(locale, message.timestamp)}>
        {formatTime(locale, message.timestamp)}
      </time>
      {own && (
        <span className="stamp-state" title={t(`messages.state.${message.state}`)}>
          <Icon name={STATE_ICONS[message.state]} size={13} />
          <span className="unseen">{t(`messages.state.${message.state}`)}</span>
        </span>
      )}
    </span>
  )
}

const STATE_ICONS = { sending: 'clock', sent: 'check', failed: 'warning' } as const

function Failed({
  message,
  conversation,
}: {
  readonly message: MessageItem
  readonly conversation: Conversation
}) {
  const { t } = useTranslation()
  const id = message.client_message_id
  return (
    <div className="failed" role="alert">
      <span>
        {t('messages.notSent')} {message.error ? wordError(t, message.error) : null}
      </span>
      {id !== undefined && (
        <>
          <Button small icon="refresh" onClick={() => conversation.retry(id)}>
            {t('messages.retry')}
          </Button>
          <Button small kind="quiet" onClick={() => conversation.discard(id)}>
            {t('messages.discard')}
          </Button>
        </>
      )}
    </div>
  )
}
