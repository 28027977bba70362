import type { Conversation, ReplyEnd } from '@gator/chat'
import type { TFunction } from 'i18next'
import { Button } from '../design/Button.tsx'
import { Icon } from '../design/Icon.tsx'
import { noteFailure } from '../design/notes.tsx'
import en from '../i18n/en.json'
import { formatMoment, useLocale } from '../i18n/format.ts'
import { useTranslation } from '../i18n/useTranslation.ts'
import { useElapsed } from '../lib/useElapsed.ts'
import { usePerson } from '../people/directory.ts'

interface Props {
  readonly end: ReplyEnd
  readonly conversation: Conversation
  readonly mayWrite: boolean
}

/** Says that there is no reply, why, and what can be done about it. */
export function ReplyEndLine({ end, conversation, mayWrite }: Props) {
  const { t } = useTranslation()
  const locale = useLocale()
  const { name } = usePerson(end.personaId)
  const wait = useWaitSeconds(end)
  const mayTry = mayWrite && end.retryable !== false && end.resetsAt === undefined
  return (
    <div className="reply-end">
      <Icon name={end.how === 'stopped' ? 'stop' : 'warning'} size={16} />
      <span>
        {t(`replies.end.${end.how}`, { name })} {end.code ? wordCode(t, end.code) : null}{' '}
        {end.resetsAt && t('replies.resetsAt', { when: formatMoment(locale, end.resetsAt) })}
      </span>
      {mayTry && (
        <Button
          small
          icon="refresh"
          disabled={wait > 0}
          onClick={() => void conversation.regenerateReply(end.answers).catch(noteFailure)}
        >
          {wait > 0 ? t('replies.againIn', { count: wait }) : t('replies.again')}
        </Button>
      )}
    </div>
  )
}

type KnownCode = keyof typeof en.replies.codes

function wordCode(t: TFunction, code: string): string {
  return Object.hasOwn(en.replies.codes, code) ? t(`replies.codes.${code as KnownCode}`) : `(${code})`
}

/** Seconds until it may be tried again, counted from when this end was first shown. */
function useWaitSeconds(end: ReplyEnd): number {
  const waitMs = end.retryAfterMs ?? 0
  const elapsed = useElapsed(end.runId, waitMs)
  return Math.max(0, Math.ceil((waitMs - elapsed) / 1000))
}
