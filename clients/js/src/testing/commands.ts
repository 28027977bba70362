import type { Command, ConversationJoined, ServerEvent } from '../generated/protocol.js'
import type { ErrorCode } from '../generated/tables.js'
import { given } from '../given.js'
import { Refusal } from './log.js'
import type { FakeServer } from './server.js'
import type { FakeSocket } from './socket.js'

type Of<T extends Command['type']> = Extract<Command, { type: T }>

/** Carry out a command as the real server does. Throws `Refusal`. */
export function carryOut(server: FakeServer, socket: FakeSocket, command: Command): void {
  switch (command.type) {
    case 'join_conversation':
      return join(server, socket, command)
    case 'leave_conversation':
      socket.joined.delete(command.conversation_id)
      return tell(server, socket, command, {
        type: 'conversation_left',
        conversation_id: command.conversation_id,
        reason: 'asked',
      })
    case 'create_conversation': {
      const log = server.create(command.kind, command.title ?? null, socket.userId, command.member_ids)
      const [created] = log.events
      if (created?.type !== 'conversation_created') throw new Refusal('internal')
      return tell(server, socket, command, { ...created, seq: log.head })
    }
    case 'send_message':
      return send(server, socket, command)
    case 'typing_start':
    case 'typing_stop': {
      if (!socket.joined.has(command.conversation_id)) throw new Refusal('not_joined')
      server.log(command.conversation_id).check(socket.userId, 'member')
      return server.type(socket.userId, command.conversation_id, command.type === 'typing_start')
    }
    case 'mark_read': {
      const log = server.log(command.conversation_id)
      log.role(socket.userId)
      const seq = Math.min(command.seq, log.head)
      log.read.set(socket.userId, Math.max(seq, log.read.get(socket.userId) ?? 0))
      const marked = server.stamped({
        type: 'read_marked',
        conversation_id: log.id,
        seq,
        ...answering(command),
      })
      return server.tellUser(socket.userId, marked)
    }
    case 'heartbeat':
      return tell(server, socket, command, { type: 'heartbeat' })
    case 'refresh_token':
      return tell(server, socket, command, { type: 'token_refreshed', expires_at: null })
    case 'get_online_status': {
      const known = command.user_ids.filter((id) => server.shareConversation(socket.userId, id))
      const statuses = known.map((id) => [id, { online: server.isOnline(id), last_seen: null }] as const)
      const users = known.filter((id) => server.isOnline(id))
      return tell(server, socket, command, {
        type: 'online_users',
        users,
        statuses: Object.fromEntries(statuses),
      })
    }
    case 'stop_reply':
      server.findReply(command.run_id, socket.userId).stop(socket.userId)
      return tell(server, socket, command, { type: 'run_accepted', run_id: command.run_id })
    case 'regenerate_reply': {
      const reply = server.regenerate(command.message_id, socket.userId)
      return tell(server, socket, command, { type: 'run_accepted', run_id: reply.runId })
    }
    case 'resume_reply':
      return server.findReply(command.run_id, socket.userId).resume(socket, command)
    default: {
      command satisfies never
      throw new Refusal('unknown_type')
    }
  }
}

function join(server: FakeServer, socket: FakeSocket, command: Of<'join_conversation'>): void {
  const { conversation_id: id, after_seq: after, epoch } = command
  const log = server.enter(socket.userId, id)
  if (!socket.joined.has(id) && socket.joined.size >= server.limits.max_joined_conversations) {
    throw new Refusal('too_many_joined')
  }
  const reason = unrecovered(server, log.head, after, epoch)
  const wasSeen = server.onlineIn(id).includes(socket.userId)
  socket.joined.add(id)
  if (!wasSeen) server.tellPresence(socket, true)
  const online = server.onlineIn(id)
  tell(server, socket, command, {
    type: 'conversation_joined',
    conversation_id: id,
    seq: log.head,
    epoch: server.epoch,
    recovered: reason === undefined,
    role: log.role(socket.userId),
    member_count: log.members.size,
    online,
    online_count: online.length,
    ...given({ reason }),
  })
  if (reason === undefined) for (const event of log.events.slice(after)) server.answer(socket, event)
  for (const reply of server.repliesIn(id)) reply.catchUp(socket)
}

function unrecovered(
  server: FakeServer,
  head: number,
  after: number | undefined,
  epoch: string | undefined,
): ConversationJoined['reason'] {
  if (after === undefined) return 'no_position'
  if (epoch !== undefined && epoch !== server.epoch) return 'epoch_changed'
  if (after > head) return 'ahead_of_log'
  return head - after > server.replayLimit ? 'too_far_behind' : undefined
}

function send(server: FakeServer, socket: FakeSocket, command: Of<'send_message'>): void {
  const { conversation_id, content, client_message_id: clientMessageId, persona_id: personaId } = command
  const blame = refusalOf(content, server.limits.max_message_chars)
  if (blame !== null) throw new Refusal(blame)
  const said = server.post(conversation_id, { by: socket.userId, content, clientMessageId, personaId })
  tell(server, socket, command, {
    type: 'ack',
    conversation_id,
    message_id: said.message.id,
    seq: said.message.seq,
    duplicate: said.isDuplicate,
    ...given({ client_message_id: clientMessageId }),
  })
}

function refusalOf(content: string, mostChars: number): ErrorCode | null {
  if ([...content].length > mostChars) return 'message_too_long'
  if (content.trim() === '') return 'message_blank'
  return content.includes('\0') ? 'message_not_text' : null
}

function answering(command: Command) {
  return given({ reply_to: command.id })
}

type Untimed<E> = E extends ServerEvent ? Omit<E, 'timestamp'> : never

function tell(server: FakeServer, socket: FakeSocket, command: Command, event: Untimed<ServerEvent>): void {
  server.answer(socket, { ...server.stamped(event), ...answering(command) } as ServerEvent)
}
