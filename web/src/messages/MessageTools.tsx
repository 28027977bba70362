import type { Conversation } from '@gator/chat'
import { useClient } from '@gator/chat/react'
import type { ReactNode } from 'react'
import { IconButton } from '../design/Button.tsx'
import { noteDone, noteFailure } from '../design/notes.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'

import { MAX_PIN_CHARS } from '../personas/memory.ts'

interface Props {
  readonly content: string
  readonly conversation: Conversation
  readonly pinnable?: boolean
  readonly children?: ReactNode
}

/** What can be done with a message: shown when it is pointed at or tapped, or focus is in it. */
export function MessageTools({ content, conversation, pinnable, children }: Props) {
  const { t } = useTranslation()
  const { http } = useClient()

  async function copy() {
    try {
      await navigator.clipboard.writeText(content)
      noteDone(t('messages.copied'))
    } catch (error) {
      noteFailure(error)
    }
  }

  async function pin() {
    try {
      const { summary, pins } = await http.memory.get(conversation.id)
      await http.memory.put(conversation.id, { summary, pins: [...pins, content.slice(0, MAX_PIN_CHARS)] })
      noteDone(t('memory.pinned'))
    } catch (error) {
      noteFailure(error)
    }
  }

  return (
    <div className="message-tools">
      {children}
      <IconButton small icon="copy" label={t('messages.copy')} onClick={copy} />
      {pinnable && <IconButton small icon="pin" label={t('memory.pin')} onClick={pin} />}
    </div>
  )
}
