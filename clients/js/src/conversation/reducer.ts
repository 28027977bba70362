import type {
  ConversationCreated,
  ConversationJoined,
  Member,
  MemberRemoved,
  Message,
  PersonaState,
  PresenceUpdate,
  ServerEvent,
  TypingIndicator,
} from '../generated/protocol.js'
import type { MemberItem, MessageItem } from '../snapshots.js'
import { askAll, foldReply, foldReplyMessage, NO_REPLIES } from './replies.js'
import { type ConversationState, type DurableEvent, emptyState, LARGE } from './state.js'

/**
 * Fold one event into a conversation: the state after it, and the same object if it changes nothing.
 *
 * Pure. Durable events are taken in the order of `seq`; one that is here already is dropped, and one that
 * comes too early only raises `head`, so that `isMissing` tells. Events of other conversations and of
 * unknown types change nothing.
 */
export function reduce(state: ConversationState, event: ServerEvent): ConversationState {
  if ('conversation_id' in event && event.conversation_id !== state.id) return state
  switch (event.type) {
    case 'new_message':
    case 'conversation_created':
    case 'conversation_renamed':
    case 'conversation_deleted':
    case 'members_added':
    case 'member_removed':
    case 'member_role_changed':
      return durable(state, event)
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
    case 'reply_queued':
    case 'reply_started':
    case 'reply_delta':
    case 'reply_reset':
      return withReplies(state, foldReply(state.replies, event))
    case 'reply_stopped':
    case 'reply_failed':
    case 'reply_rejected':
      return withReplies(withoutPersonaState(state, event.persona_id), foldReply(state.replies, event))
    default:
      return state
  }
}

function durable(state: ConversationState, event: DurableEvent): ConversationState {
  if (event.seq <= state.seq) return state
  if (event.seq > state.seq + 1) return withHead(state, event.seq)
  const next = { ...state, seq: event.seq, head: Math.max(state.head, event.seq) }
  switch (event.type) {
    case 'new_message':
      return said(next, event.message)
    case 'conversation_created':
      return { ...created(next, event), events: [...next.events, event] }
    case 'conversation_renamed':
      return { ...next, title: event.title, events: [...next.events, event] }
    case 'conversation_deleted':
      return { ...next, deleted: true, members: new Map(), memberCount: 0 }
    case 'members_added':
      return { ...added(next, event.members, event.member_count), events: [...next.events, event] }
    case 'member_removed':
      return { ...removed(next, event), events: [...next.events, event] }
    case 'member_role_changed': {
      const role = event.user_id === next.me ? event.role : next.role
      const member = next.members.get(event.user_id)
      const members = member === undefined ? next.members : withMember(next, { ...member, role: event.role })
      return { ...next, role, members, events: [...next.events, event] }
    }
    default:
      return event satisfies never
  }
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
function startedAt(state: ConversationState, { reason, seq, epoch }: ConversationJoined): ConversationState {
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

function created(state: ConversationState, event: ConversationCreated): ConversationState {
  const fresh = { ...state, kind: event.kind, title: event.title, members: new Map<string, MemberItem>() }
  return added(fresh, event.members, event.member_count)
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
  const online = without(state.online, event.user_id)
  return {
    ...state,
    members,
    memberCount: event.member_count,
    online,
    onlineCount: state.onlineCount - (state.online.length - online.length),
    typing: without(state.typing, event.user_id),
    typingCount: without(state.typing, event.user_id).length,
  }
}

function said(state: ConversationState, message: Message): ConversationState {
  const item: MessageItem = { ...message, state: 'sent' }
  const isNews = message.sender_id !== state.me && message.seq > state.readSeq
  const typing = without(state.typing, message.sender_id)
  const next = {
    ...state,
    messages: [...state.messages, item],
    unread: state.unread + (isNews ? 1 : 0),
    typing,
    typingCount: state.memberCount > LARGE ? state.typingCount : typing.length,
    replies: foldReplyMessage(state.replies, message),
  }
  return message.reply === undefined ? next : withoutPersonaState(next, message.sender_id)
}

/** Take a position up to which the user has read; it never moves back. */
export function readUpTo(state: ConversationState, seq: number): ConversationState {
  if (seq <= state.readSeq) return state
  const unread = state.messages.filter(
    (message) => message.seq > seq && message.sender_id !== state.me,
  ).length
  return { ...state, readSeq: seq, unread }
}

function typing(state: ConversationState, event: TypingIndicator): ConversationState {
  const others = without(state.typing, event.user_id)
  if (event.is_typing === others.length < state.typing.length) return state
  const typing = event.is_typing ? [...others, event.user_id] : others
  return { ...state, typing, typingCount: typing.length }
}

/** The event does not name a conversation: it concerns those in which the user is a member. */
function presence(state: ConversationState, event: PresenceUpdate): ConversationState {
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

function withReplies(state: ConversationState, replies: ConversationState['replies']): ConversationState {
  return replies === state.replies ? state : { ...state, replies }
}

function withHead(state: ConversationState, head: number): ConversationState {
  return head > state.head ? { ...state, head } : state
}

function withMember(state: ConversationState, member: MemberItem): ReadonlyMap<string, MemberItem> {
  return new Map(state.members).set(member.userId, member)
}

function without(list: readonly string[], entry: string): readonly string[] {
  return list.includes(entry) ? list.filter((other) => other !== entry) : list
}

/** Fold a whole sequence. */
export function fold(id: string, me: string, events: Iterable<ServerEvent>): ConversationState {
  let state = emptyState(id, me)
  for (const event of events) state = reduce(state, event)
  return state
}
