import type { ConversationSnapshot } from '@gator/chat'
import { useState } from 'react'

/**
 * Where the line "new messages" is drawn: after what had been read when the conversation was opened. It stays
 * there while one reads on. Null means that nothing was new; undefined, that it is not known yet.
 */
export function useNewLine({
  kind,
  readSeq,
  unread,
  messages,
}: ConversationSnapshot): number | null | undefined {
  const [after, setAfter] = useState<number | null | undefined>(undefined)
  if (after !== undefined) return after
  // How far one has read is told together with the kind.
  const known = kind !== null && messages.length > 0
  if (!known) return undefined
  const line = unread > 0 ? readSeq : null
  setAfter(line)
  return line
}
