import type { ServerEvent } from '../generated/protocol.js'
import type { Discontinuity, Kind, MemberItem, MessageItem, Role, SystemItem } from '../snapshots.js'
import { NO_REPLIES, type Replies } from './replies.js'

/** Above this many members the server tells counts instead of names. */
export const LARGE = 100

/** What a conversation's events amount to, as far as they were heard. */
export interface ConversationState {
  readonly id: string
  /** Whose view it is: what others say is unread. */
  readonly me: string
  /** Position up to which everything is here. */
  readonly seq: number
  /** Newest position that was heard of; above `seq`, something is missing. */
  readonly head: number
  /** Everything from here to `seq` is here. */
  readonly oldest: number
  /** The history to which the positions belong; null before the first join. */
  readonly epoch: string | null
  readonly kind: Kind | null
  readonly title: string | null
  readonly role: Role | null
  readonly peerId: string | null
  readonly memberCount: number
  readonly members: ReadonlyMap<string, MemberItem>
  readonly deleted: boolean
  readonly messages: readonly MessageItem[]
  readonly events: readonly SystemItem[]
  readonly discontinuity: Discontinuity | null
  readonly readSeq: number
  readonly unread: number
  readonly typing: readonly string[]
  readonly typingCount: number
  readonly online: readonly string[]
  readonly onlineCount: number
  readonly replies: Replies
  readonly personaStates: ReadonlyMap<string, 'thinking' | 'typing'>
}

export type DurableEvent =
  | Extract<ServerEvent, { conversation_id: string; seq: number; by: string }>
  | NewMessage
type NewMessage = Extract<ServerEvent, { type: 'new_message' }>

/** A conversation of which nothing was heard. */
export function emptyState(id: string, me: string): ConversationState {
  return {
    id,
    me,
    seq: 0,
    head: 0,
    oldest: 1,
    epoch: null,
    kind: null,
    title: null,
    role: null,
    peerId: null,
    memberCount: 0,
    members: new Map(),
    deleted: false,
    messages: [],
    events: [],
    discontinuity: null,
    readSeq: 0,
    unread: 0,
    typing: [],
    typingCount: 0,
    online: [],
    onlineCount: 0,
    replies: NO_REPLIES,
    personaStates: new Map(),
  }
}

/** True if something before the newest position that was heard of has not come. */
export function isMissing(state: ConversationState): boolean {
  return state.head > state.seq
}

/**
 * True for what has a place in a conversation's log: messages, and what somebody did, which names them `by`.
 * So events of the log that are newer than this client take their place too, and leave no hole.
 */
export function isDurable(event: ServerEvent): event is DurableEvent {
  return 'seq' in event && ('by' in event || event.type === 'new_message')
}
