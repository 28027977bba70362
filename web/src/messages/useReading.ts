import type { Conversation, ConversationSnapshot } from '@gator/chat'
import { useEffect, useState, useSyncExternalStore } from 'react'

/**
 * Mark as read what one can see: at the end of the list, in a page that is looked at.
 *
 * @returns how many messages of others came since one left the end of the list.
 */
export function useReading(
  { messages, status, kind }: ConversationSnapshot,
  conversation: Conversation,
  me: string,
  atEnd: boolean,
): number {
  const looking = useSyncExternalStore(followLooking, isLooking)
  const newest = messages.findLast((message) => message.seq > 0)?.seq ?? 0
  // What was read before has to be known first: the line "new messages" is drawn after it.
  const reading = atEnd && looking && status === 'live' && kind !== null
  const [seen, setSeen] = useState(newest)
  if (atEnd && seen !== newest) setSeen(newest)

  useEffect(() => {
    if (reading && newest > 0) conversation.markRead(newest)
  }, [reading, newest, conversation])

  return atEnd ? 0 : countAfter(messages, seen, me)
}

function countAfter(messages: ConversationSnapshot['messages'], seq: number, me: string): number {
  let count = 0
  for (let at = messages.length - 1; at >= 0; at--) {
    const message = messages[at]
    if (message === undefined || (message.seq > 0 && message.seq <= seq)) break
    if (message.seq > 0 && message.sender_id !== me) count++
  }
  return count
}

function isLooking(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus()
}

function followLooking(listener: () => void): () => void {
  window.addEventListener('focus', listener)
  window.addEventListener('blur', listener)
  document.addEventListener('visibilitychange', listener)
  return () => {
    window.removeEventListener('focus', listener)
    window.removeEventListener('blur', listener)
    document.removeEventListener('visibilitychange', listener)
  }
}
