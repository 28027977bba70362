import { camelCased } from '../camel.js'
import type { ConversationOut, MemberOut } from '../generated/bodies.js'
import type { ServerEvent } from '../generated/protocol.js'
import type { MessageItem, SystemItem } from '../snapshots.js'
import { saidByOthers } from './reducer.js'
import { foldReplyMessage } from './replies.js'
import { type ConversationState, type DurableEvent, isDurable } from './state.js'

/**
 * Put a stretch of the log before what is here.
 *
 * @param events - Durable events from `after` + 1 on, in order; what reaches into what is here is dropped.
 */
export function withOlder(
  state: ConversationState,
  after: number,
  events: readonly ServerEvent[],
): ConversationState {
  const older = events.filter(isDurable).filter((event) => event.seq > after && event.seq < state.oldest)
  const messages = older.flatMap((event) => (event.type === 'new_message' ? [event.message] : []))
  const items = messages.map((message): MessageItem => ({ ...message, state: 'sent' }))
  return {
    ...state,
    replies: messages.reduce(foldReplyMessage, state.replies),
    oldest: after + 1,
    messages: [...items, ...state.messages],
    events: [...older.filter(isSystemItem), ...state.events],
  }
}

function isSystemItem(event: DurableEvent): event is SystemItem {
  return event.type !== 'new_message' && event.type !== 'conversation_deleted'
}

/** Take what HTTP says of a conversation as a whole. */
export function withSummary(state: ConversationState, summary: ConversationOut): ConversationState {
  const { kind, title, role, peerId, memberCount, readSeq, seq, unread } = camelCased(summary)
  return {
    ...state,
    // What was changed after the summary was made has come as an event.
    ...(seq >= state.seq || state.kind === null ? { title, role, memberCount } : {}),
    ...(readSeq >= state.readSeq ? { readSeq, unread: unread + saidByOthers(state, seq) } : {}),
    kind,
    peerId,
  }
}

/** Take the names and roles of all members. */
export function withMembers(state: ConversationState, members: readonly MemberOut[]): ConversationState {
  const all = members.map(({ user_id: userId, role, name, avatar }) => ({ userId, role, name, avatar }))
  const online = members.filter((member) => member.online).map((member) => member.user_id)
  return {
    ...state,
    members: new Map(all.map((member) => [member.userId, member])),
    online,
    onlineCount: online.length,
  }
}

/** Keep only the newest messages, and what stands between them. */
export function trimmed(state: ConversationState, keep: number): ConversationState {
  const first = state.messages.at(-keep)
  if (first === undefined || state.messages.length === keep) return state
  return {
    ...state,
    oldest: first.seq,
    messages: state.messages.slice(-keep),
    events: state.events.filter((event) => event.seq >= first.seq),
  }
}
