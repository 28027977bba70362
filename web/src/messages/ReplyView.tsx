import type { Conversation, MessageItem, ReplyItem } from '@gator/chat'
import { type ReactNode, useState } from 'react'
import { PersonaBadge } from '../design/Badge.tsx'
import { Button, IconButton } from '../design/Button.tsx'
import { noteFailure } from '../design/notes.tsx'
import { formatMoment, formatTime, useLocale } from '../i18n/format.ts'
import { useTranslation } from '../i18n/useTranslation.ts'
import { classes } from '../lib/classes.ts'
import { Markdown } from '../markdown/Markdown.tsx'
import { Avatar } from '../people/Avatar.tsx'
import { authorOf, type Person, usePerson } from '../people/directory.ts'
import { MessageTools } from './MessageTools.tsx'
import './reply.css'
import type { ReplyRow } from './timeline.ts'

interface Props {
  readonly row: ReplyRow
  readonly conversation: Conversation
  readonly mayWrite: boolean
}

/**
 * What a persona answers: written on the page beside an amber line. All attempts are one reply that one pages
 * through; the newest is shown, and it may still be growing.
 */
export function ReplyView({ row, conversation, mayWrite }: Props) {
  const { attempts, live } = row
  const count = attempts.length + (live ? 1 : 0)
  // Chosen by hand; a newer attempt is shown as soon as there is one.
  const [chosen, setChosen] = useState<{ at: number; of: number } | null>(null)
  const at = chosen?.of === count ? chosen.at : count - 1
  const message = attempts[at]
  const persona = usePersonaOf(row)
  const pager = count > 1 && <Pager at={at} count={count} onTurn={(to) => setChosen({ at: to, of: count })} />

  return (
    <article
      className={classes('reply', row.first && 'reply-first')}
      aria-label={persona.name}
      aria-busy={!message}
    >
      <div className="message-face">
        {row.first && (
          <Avatar id={persona.id} name={persona.name} picture={persona.picture} persona size="s" />
        )}
      </div>
      <div className="reply-main">
        {row.first && <Author persona={persona} message={message} live={live} />}
        {message ? (
          <Said
            message={message}
            pager={pager}
            conversation={conversation}
            mayWrite={mayWrite && live === null}
          />
        ) : (
          live && <Growing live={live} pager={pager} conversation={conversation} mayWrite={mayWrite} />
        )}
      </div>
    </article>
  )
}

function usePersonaOf({ personaId, attempts }: ReplyRow): Person {
  const known = usePerson(personaId)
  const newest = attempts.at(-1)
  return newest ? authorOf(newest) : { ...known, persona: true }
}

interface AuthorProps {
  readonly persona: Person
  readonly message: MessageItem | undefined
  readonly live: ReplyItem | null
}

function Author({ persona, message, live }: AuthorProps) {
  const { t } = useTranslation()
  const locale = useLocale()
  const model = message ? message.reply?.model : live?.model
  return (
    <p className="message-author">
      <bdi className="message-name">{persona.name}</bdi>
      <PersonaBadge />
      {model && (
        <span className="reply-model" title={t('replies.modelHint')}>
          {model}
        </span>
      )}
      {message && (
        <time
          className="reply-time"
          dateTime={message.timestamp}
          title={formatMoment(locale, message.timestamp)}
        >
          {formatTime(locale, message.timestamp)}
        </time>
      )}
    </p>
  )
}

interface SaidProps {
  readonly message: MessageItem
  readonly pager: ReactNode
  readonly conversation: Conversation
  readonly mayWrite: boolean
}

/** An attempt that is over. */
function Said({ message, pager, conversation, mayWrite }: SaidProps) {
  const { t } = useTranslation()
  const status = message.reply?.status ?? 'complete'
  const regenerate = () => void conversation.regenerateReply(message.id).catch(noteFailure)
  return (
    <>
      <Markdown content={message.content} />
      {status !== 'complete' && (
        <p className={classes('reply-status', status === 'failed' && 'reply-status-failed')}>
          {t(`replies.status.${status}`)}
          {mayWrite && (
            <Button small icon="refresh" onClick={regenerate}>
              {t('replies.again')}
            </Button>
          )}
        </p>
      )}
      <div className="reply-foot">
        {pager}
        <MessageTools content={message.content} conversation={conversation} pinnable={mayWrite}>
          {mayWrite && message.reply && status === 'complete' && (
            <IconButton small icon="refresh" label={t('replies.regenerate')} onClick={regenerate} />
          )}
        </MessageTools>
      </div>
    </>
  )
}

interface GrowingProps {
  readonly live: ReplyItem
  readonly pager: ReactNode
  readonly conversation: Conversation
  readonly mayWrite: boolean
}

/** An attempt under way: it waits, thinks or speaks. */
function Growing({ live, pager, conversation, mayWrite }: GrowingProps) {
  const { t } = useTranslation()
  return (
    <>
      {live.text === '' ? (
        <p className="reply-waiting">
          <span className="dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {live.state === 'queued'
            ? t('replies.queued', { count: live.position ?? 0 })
            : t('replies.thinking')}
        </p>
      ) : (
        <Markdown content={live.text} />
      )}
      <div className="reply-foot">
        {pager}
        {mayWrite && (
          <Button
            small
            icon="stop"
            onClick={() => void conversation.stopReply(live.runId).catch(noteFailure)}
          >
            {t('replies.stop')}
          </Button>
        )}
      </div>
    </>
  )
}

interface PagerProps {
  readonly at: number
  readonly count: number
  readonly onTurn: (to: number) => void
}

function Pager({ at, count, onTurn }: PagerProps) {
  const { t } = useTranslation()
  return (
    <fieldset className="pager">
      <legend className="unseen">{t('replies.attempts')}</legend>
      <IconButton
        small
        icon="left"
        label={t('replies.previous')}
        disabled={at === 0}
        onClick={() => onTurn(at - 1)}
      />
      <span aria-live="polite">{t('replies.attempt', { at: at + 1, count })}</span>
      <IconButton
        small
        icon="right"
        label={t('replies.next')}
        disabled={at === count - 1}
        onClick={() => onTurn(at + 1)}
      />
    </fieldset>
  )
}
