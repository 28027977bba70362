import type { MessageItem } from '@gator/chat'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from '../i18n/useTranslation.ts'

interface Props {
  readonly messages: readonly MessageItem[]
  readonly me: string
}

/** What comes within this time is told together, so that a lively conversation does not talk without end. */
const TOGETHER_MS = 1_500
const MAX_READ_OUT_CHARS = 200

/** Tells screen readers of new messages of others, politely: one is read out, several are counted. */
export function Announcer({ messages, me }: Props) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const newest = messages.findLast((message) => message.seq > 0)?.seq ?? 0
  const told = useRef<number | null>(null)

  useEffect(() => {
    if (newest === 0) return
    // What was there when the conversation was opened is no news.
    if (told.current === null) told.current = newest
    if (newest <= told.current) return
    const timer = setTimeout(() => {
      const after = told.current ?? newest
      told.current = newest
      const fresh = messages.filter((message) => message.seq > after && message.sender_id !== me)
      const [only] = fresh
      if (only === undefined) return
      setText(
        fresh.length > 1
          ? t('messages.announceMany', { count: fresh.length })
          : t('messages.announceOne', {
              name: only.sender.name ?? only.sender_id,
              text: only.content.slice(0, MAX_READ_OUT_CHARS),
            }),
      )
    }, TOGETHER_MS)
    return () => clearTimeout(timer)
  }, [newest, messages, me, t])

  return (
    <p className="unseen" role="status">
      {text}
    </p>
  )
}
