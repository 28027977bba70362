import type { Cause, ConnectionState } from './connection/states.js'
import type { ChatError } from './errors.js'
import type {
  ConversationCreated,
  ConversationJoined,
  ConversationRenamed,
  Limits,
  Member,
  MemberRemoved,
  MemberRoleChanged,
  MembersAdded,
  Message,
} from './generated/protocol.js'

export type Kind = ConversationCreated['kind']
export type Role = Member['role']

/** How the connection is. */
export interface ConnectionSnapshot {
  readonly state: ConnectionState
  /** What brought it into this state; see `Cause`. */
  readonly reason: Cause | 'new'
  /** The closing code of the socket that ended last, if it had one. */
  readonly code?: number
  /** When the next attempt begins, in milliseconds since 1970; while `waiting`. */
  readonly retryAt?: number
  /** Who the server takes this client for; from the first connection on. */
  readonly userId?: string
  readonly limits?: Limits
}

/** A message to be shown: one of the log, or one of one's own on its way there. */
export interface MessageItem extends Message {
  /**
   * - `sent`: stored by the server, at `seq`
   * - `sending`: in the outbox; `id` is the `client_message_id`, and `seq` is 0
   * - `failed`: the server refused it for good, see `error`; `retry` or `discard` it
   */
  readonly state: 'sending' | 'sent' | 'failed'
  readonly error?: ChatError
}

/** An entry of the log that is no message. Show it between the messages, by `seq`. */
export type SystemItem =
  | ConversationCreated
  | ConversationRenamed
  | MembersAdded
  | MemberRemoved
  | MemberRoleChanged

export interface MemberItem {
  readonly userId: string
  readonly role: Role
  readonly name: string | null
  readonly avatar: string | null
}

/** A reply of a persona that is being made. */
export interface ReplyItem {
  readonly runId: string
  readonly personaId: string
  /** The message that it answers; null if its beginning was missed. */
  readonly answers: string | null
  /** What the reply will be called once it is stored. */
  readonly messageId?: string
  readonly state: 'queued' | 'thinking' | 'streaming'
  /** Runs before this one; while `queued`. */
  readonly position?: number
  /** What it has said so far. */
  readonly text: string
  readonly attempt?: number
  readonly provider?: string
  readonly model?: string
}

/** A run that ended without, or beside, a message. */
export interface ReplyEnd {
  readonly runId: string
  readonly personaId: string
  readonly answers: string
  readonly how: 'stopped' | 'failed' | 'rejected'
  /** Who stopped it; none if the server did. */
  readonly by?: string
  /** Why it failed or was rejected: a code of the protocol's tables. */
  readonly code?: string
  /** True if `regenerateReply` may well succeed. */
  readonly retryable?: boolean
  readonly retryAfterMs?: number
  readonly resetsAt?: string
  /** The message that holds what it had said. */
  readonly messageId?: string
}

/** A place in the log where continuity was lost. */
export interface Discontinuity {
  readonly reason: NonNullable<ConversationJoined['reason']>
  /** The position from which on everything is here again; older messages are loaded anew. */
  readonly atSeq: number
}

/** One conversation, as it is now. */
export interface ConversationSnapshot {
  readonly id: string
  /**
   * - `idle`: nobody has it open
   * - `joining`: asked for, or cut off and coming back; what is shown may be behind
   * - `live`: joined
   * - `left`: the user is no member any more, or the conversation is gone; see `reason`
   * - `failed`: the server refused to join it, see `reason`: a code such as `conversation_not_found`, or
   *   `too_many_joined`, which mends itself when another conversation is closed
   */
  readonly status: 'idle' | 'joining' | 'live' | 'left' | 'failed'
  readonly reason?: string
  readonly kind: Kind | null
  readonly title: string | null
  readonly role: Role | null
  /** The other one of a direct conversation. */
  readonly peerId: string | null
  /** The position up to which everything is here. */
  readonly seq: number
  readonly epoch: string | null
  readonly memberCount: number
  /** Who is a member, by user id; empty above 100 members. */
  readonly members: ReadonlyMap<string, MemberItem>
  /** In the order of `seq`; then those of one's own that wait to be sent. */
  readonly messages: readonly MessageItem[]
  readonly events: readonly SystemItem[]
  readonly hasOlder: boolean
  readonly loadingOlder: boolean
  /** Why the newest or older messages could not be loaded; null if they could. */
  readonly historyError: ChatError | null
  readonly discontinuity: Discontinuity | null
  readonly readSeq: number
  /** Messages of others after `readSeq`; the server counts up to 1,000. */
  readonly unread: number
  /** Others who are typing; empty above 100 members, see `typingCount`. */
  readonly typing: readonly string[]
  readonly typingCount: number
  /** Members who are online; empty above 100 members, see `onlineCount`. */
  readonly online: readonly string[]
  readonly onlineCount: number
  /** Replies being made, in the order in which they were heard of. */
  readonly replies: readonly ReplyItem[]
  /** The newest ends of runs that have no complete message, oldest first; at most 20. */
  readonly replyEnds: readonly ReplyEnd[]
  /** What personas do; those who do nothing are left out. */
  readonly personaStates: ReadonlyMap<string, 'thinking' | 'typing'>
}

/** A conversation in the list. */
export interface ConversationSummary {
  readonly id: string
  readonly kind: Kind
  readonly title: string | null
  readonly role: Role
  /** The other one of a direct conversation. */
  readonly peerId: string | null
  readonly memberCount: number
  readonly lastMessage: Message | null
  readonly unread: number
  readonly readSeq: number
  readonly seq: number
}

/** The user's conversations, the one with the newest message first. */
export interface ConversationListSnapshot {
  readonly items: readonly ConversationSummary[]
  readonly status: 'idle' | 'loading' | 'ready' | 'failed'
  readonly hasMore: boolean
}

export interface UserPresence {
  readonly online: boolean
  /** RFC 3339; null if it is not known. */
  readonly lastSeen: string | null
}

export interface OutboxSnapshot {
  /** Messages on their way, those that failed not counted. */
  readonly waiting: number
}
