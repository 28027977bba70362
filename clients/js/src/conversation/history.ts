import type { ConversationOut, MemberOut } from '../generated/bodies.js'
import type { ServerEvent } from '../generated/protocol.js'
import type { MessageItem, SystemItem } from '../snapshots.js'
import { saidByOthers } from './reducer.js'
import { foldReplyMessage } from './replies.js'
import { type ConversationState, isDurable } from './state.js'

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
  const messages: MessageItem[] = []
  const systemItems: SystemItem[] = []
  let { replies } = state
  for (const event of older) {
    if (event.type === 'new_message') {
      messages.push({ ...event.message, state: 'sent' })
      replies = foldReplyMessage(replies, event.message)
    } else if (event.type !== 'conversation_deleted') systemItems.push(event)
  }
  return {
    ...state,
    replies,
    oldest: after + 1,
    messages: [...messages, ...state.messages],
    events: [...systemItems, ...state.events],
  }
}

/** Take what HTTP says of a conversation as a whole. */
export function withSummary(state: ConversationState, summary: ConversationOut): ConversationState {
  const { kind, role, peer_id: peerId, read_seq: readSeq } = summary
  // A name that was changed after the summary was made has come as an event.
  const isNewer = summary.seq >= state.seq
  return {
    ...state,
    kind,
    role: isNewer ? role : state.role,
    title: isNewer || state.kind === null ? summary.title : state.title,
    memberCount: isNewer ? summary.member_count : state.memberCount,
    peerId,
    ...(readSeq >= state.readSeq
      ? { readSeq, unread: summary.unread + saidByOthers(state, summary.seq) }
      : {}),
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
