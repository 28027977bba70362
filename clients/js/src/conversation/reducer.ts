import type {
  ConversationJoined,
  Member,
  MemberRemoved,
  MemberRoleChanged,
  Message,
  PersonaState,
  PresenceUpdate,
  ServerEvent,
  TypingIndicator,
} from '../generated/protocol.js'
import type { MessageItem, SystemItem } from '../snapshots.js'
import { askAll, foldReply, foldReplyMessage, isReplyEvent, NO_REPLIES, type ReplyEvent } from './replies.js'
import { type ConversationState, type DurableEvent, isDurable, LARGE } from './state.js'

/**
 * Fold one event into a conversation: the state after it, and the same object if it changes nothing.
 *
 * Pure. Durable events are taken in the order of `seq`; one that is here already is dropped, and one that
 * comes too early only raises `head`, so that `isMissing` tells. Events of other conversations and of
 * unknown types change nothing.
 */
export function reduce(state: ConversationState, event: ServerEvent): ConversationState {
  if ('conversation_id' in event && event.conversation_id !== state.id) return state
  if (isDurable(event)) return durable(state, event)
  if (isReplyEvent(event)) return replied(state, event)
  switch (event.type) {
    case 'conversation_joined':
      return joined(state, event)
    case 'read_marked':
      return readUpTo(state, event.seq)
    case 'heartbeat':
      return withHead(state, event.heads?.[state.id] ?? 0)
    case 'typing_indicator':
      return typing(state, event)
    case 'presence_update':
      return presence(state, event)
    case 'occupancy': {
      const { online: onlineCount, typing: typingCount, member_count: memberCount } = event
      return { ...state, onlineCount, typingCount, memberCount }
    }
    case 'persona_state':
      return personaState(state, event)
    default:
      return state
  }
}

function durable(state: ConversationState, event: DurableEvent): ConversationState {
  if (event.seq <= state.seq) return state
  if (event.seq > state.seq + 1) return withHead(state, event.seq)
  const next = { ...state, seq: event.seq, head: Math.max(state.head, event.seq) }
  if (event.type === 'new_message') return said(next, event.message)
  if (event.type === 'conversation_deleted')
    return { ...next, deleted: true, members: new Map(), memberCount: 0 }
  const after = changed(next, event)
  return after === next ? next : { ...after, events: [...after.events, event] }
}

/** What becomes of the conversation as a whole. */
function changed(state: ConversationState, event: SystemItem): ConversationState {
  switch (event.type) {
    case 'conversation_created': {
      const { kind, title } = event
      return added({ ...state, kind, title, members: new Map() }, event.members, event.member_count)
    }
    case 'conversation_renamed':
      return { ...state, title: event.title }
    case 'members_added':
      return added(state, event.members, event.member_count)
    case 'member_removed':
      return removed(state, event)
    case 'member_role_changed':
      return promoted(state, event)
    default:
      event satisfies never
      return state // Of a later version of the protocol.
  }
}

function promoted(state: ConversationState, { user_id: userId, role }: MemberRoleChanged): ConversationState {
  const member = state.members.get(userId)
  const members =
    member === undefined ? state.members : new Map(state.members).set(userId, { ...member, role })
  return { ...state, role: userId === state.me ? role : state.role, members }
}

/** The answer to a join: a position to go on from, or the news that there is none. */
function joined(state: ConversationState, event: ConversationJoined): ConversationState {
  const here = event.recovered ? state : startedAt(state, event)
  return {
    ...here,
    head: event.seq,
    epoch: event.epoch,
    role: event.role,
    memberCount: event.member_count,
    online: event.online,
    onlineCount: event.online_count,
    typing: [],
    typingCount: 0,
    personaStates: new Map(),
    discontinuity: event.recovered ? null : here.discontinuity,
    replies: askAll(here.replies),
  }
}

/**
 * Nothing of what was missed follows: what is held is dropped, and the newest is loaded again. After
 * `too_far_behind` it is still right, but no log of it could be shown without a hole in its middle.
 */
function startedAt(
  state: ConversationState,
  { reason = 'no_position', seq, epoch }: ConversationJoined,
): ConversationState {
  const sameHistory = state.epoch === null || state.epoch === epoch
  return {
    ...state,
    seq,
    oldest: seq + 1,
    messages: [],
    events: [],
    replies: sameHistory ? state.replies : NO_REPLIES,
    discontinuity:
      reason === undefined || (reason === 'no_position' && state.epoch === null)
        ? null
        : { reason, atSeq: seq },
  }
}

function added(state: ConversationState, members: readonly Member[], memberCount: number): ConversationState {
  if (memberCount > LARGE) return { ...state, memberCount, members: new Map() }
  const all = new Map(state.members)
  for (const { user_id: userId, role } of members) {
    all.set(userId, { userId, role, name: null, avatar: null })
  }
  const role = all.get(state.me)?.role ?? state.role
  return { ...state, memberCount, members: all, role }
}

function removed(state: ConversationState, event: MemberRemoved): ConversationState {
  const members = new Map(state.members)
  members.delete(event.user_id)
  const gone = presence(stoppedTyping(state, event.user_id), { user_id: event.user_id, online: false })
  return { ...gone, members, memberCount: event.member_count }
}

function said(state: ConversationState, message: Message): ConversationState {
  const item: MessageItem = { ...message, state: 'sent' }
  const isNews = message.sender_id !== state.me && message.seq > state.readSeq
  const next = {
    ...stoppedTyping(state, message.sender_id),
    messages: [...state.messages, item],
    unread: state.unread + (isNews ? 1 : 0),
    replies: foldReplyMessage(state.replies, message),
  }
  return message.reply === undefined ? next : withoutPersonaState(next, message.sender_id)
}

/** Take a position up to which the user has read; it never moves back. */
export function readUpTo(state: ConversationState, seq: number): ConversationState {
  if (seq <= state.readSeq) return state
  return { ...state, readSeq: seq, unread: saidByOthers(state, seq) }
}

/** How many messages of others are here after a position. */
export function saidByOthers(state: ConversationState, seq: number): number {
  return state.messages.filter((message) => message.seq > seq && message.sender_id !== state.me).length
}

function typing(state: ConversationState, { user_id: userId, is_typing: isTyping }: TypingIndicator) {
  if (!isTyping) return stoppedTyping(state, userId)
  if (state.typing.includes(userId)) return state
  const typing = [...state.typing, userId]
  return { ...state, typing, typingCount: typing.length }
}

/** Somebody types no more, or has not been heard of for too long. */
export function stoppedTyping(state: ConversationState, userId: string): ConversationState {
  const typing = without(state.typing, userId)
  return typing === state.typing ? state : { ...state, typing, typingCount: typing.length }
}

/** The event does not name a conversation: it concerns those in which the user is a member. */
function presence(
  state: ConversationState,
  event: Pick<PresenceUpdate, 'user_id' | 'online'>,
): ConversationState {
  const others = without(state.online, event.user_id)
  const wasOnline = others.length < state.online.length
  if (wasOnline === event.online || (event.online && !state.members.has(event.user_id))) return state
  const online = event.online ? [...others, event.user_id] : others
  return { ...state, online, onlineCount: online.length }
}

function personaState(state: ConversationState, event: PersonaState): ConversationState {
  if (event.state === 'idle') return withoutPersonaState(state, event.persona_id)
  return { ...state, personaStates: new Map(state.personaStates).set(event.persona_id, event.state) }
}

function withoutPersonaState(state: ConversationState, personaId: string): ConversationState {
  if (!state.personaStates.has(personaId)) return state
  const personaStates = new Map(state.personaStates)
  personaStates.delete(personaId)
  return { ...state, personaStates }
}

function replied(state: ConversationState, event: ReplyEvent): ConversationState {
  const replies = foldReply(state.replies, event)
  if (replies === state.replies) return state
  const hasEnded = replies.over !== state.replies.over
  return { ...(hasEnded ? withoutPersonaState(state, event.persona_id) : state), replies }
}

function withHead(state: ConversationState, head: number): ConversationState {
  return head > state.head ? { ...state, head } : state
}

function without(list: readonly string[], entry: string): readonly string[] {
  return list.includes(entry) ? list.filter((other) => other !== entry) : list
}
