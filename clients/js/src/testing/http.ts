import type { ConversationOut, MessageOut } from '../generated/bodies.js'
import type { Message } from '../generated/protocol.js'
import { TEMPORARY_ERRORS } from '../generated/tables.js'
import type { Kind, Role } from '../snapshots.js'
import type { FakeLog } from './log.js'
import { Refusal } from './log.js'
import type { FakeServer } from './server.js'

const STATUS: Readonly<Record<string, number>> = {
  not_authenticated: 401,
  forbidden: 403,
  conversation_not_found: 404,
  user_not_found: 404,
  member_not_found: 404,
  not_found: 404,
  direct_is_fixed: 409,
  last_owner: 409,
  invalid_command: 422,
  rate_limited: 429,
}

interface Asked {
  readonly server: FakeServer
  readonly user: string
  readonly path: readonly string[]
  readonly query: URLSearchParams
  readonly body: Record<string, unknown>
}

type Route = readonly [method: string, pattern: string, answer: (asked: Asked) => unknown]

const ROUTES: readonly Route[] = [
  ['GET', 'users/me', ({ server, user }) => ({ ...server.userOut(user), roles: [] })],
  ['GET', 'users/*', ({ server, path }) => server.userOut(path[1] ?? '')],
  ['GET', 'conversations', listConversations],
  ['POST', 'conversations', createConversation],
  ['GET', 'conversations/*', (asked) => summary(asked, own(asked))],
  ['PATCH', 'conversations/*', rename],
  ['DELETE', 'conversations/*', (asked) => asked.server.publish(own(asked).delete(asked.user))],
  ['GET', 'conversations/*/messages', messages],
  ['GET', 'conversations/*/events', events],
  ['GET', 'conversations/*/members', members],
  ['POST', 'conversations/*/members', addMember],
  ['PATCH', 'conversations/*/members/*', setRole],
  ['DELETE', 'conversations/*/members/*', removeMember],
]

/** Answer a request to a fake server below `/api/v1`. */
export async function answer(server: FakeServer, address: string, init: RequestInit = {}): Promise<Response> {
  const url = new URL(address)
  const path = url.pathname
    .replace(/^\/api\/v1\//, '')
    .split('/')
    .map(decodeURIComponent)
  const method = init.method ?? 'GET'
  const scripted = server.scriptedAnswer(method, url.pathname)
  if (scripted !== undefined) return json(scripted.status, scripted.body)
  try {
    const user = server.userOf(new Headers(init.headers))
    const route = ROUTES.find(([verb, pattern]) => verb === method && matches(pattern, path))
    if (route === undefined) throw new Refusal('not_found')
    const body = typeof init.body === 'string' ? (JSON.parse(init.body) as Record<string, unknown>) : {}
    const found = route[2]({ server, user, path, query: url.searchParams, body })
    return found === undefined
      ? new Response(null, { status: 204 })
      : json(method === 'POST' ? 201 : 200, found)
  } catch (thrown) {
    if (thrown instanceof Refusal) return problem(thrown)
    throw thrown
  }
}

function problem({ code, retryAfterMs }: Refusal): Response {
  const status = STATUS[code] ?? (TEMPORARY_ERRORS.has(code) ? 503 : 400)
  const wait = retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }
  return json(status, { type: `urn:gator:error:${code}`, title: code, status, detail: code, code, ...wait })
}

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } })
}

function matches(pattern: string, path: readonly string[]): boolean {
  const parts = pattern.split('/')
  return parts.length === path.length && parts.every((part, index) => part === '*' || part === path[index])
}

function own({ server, user, path }: Asked): FakeLog {
  const log = server.log(path[1] ?? '')
  log.role(user)
  return log
}

function listConversations(asked: Asked): unknown {
  const newest = (log: FakeLog) => log.messages.at(-1)?.timestamp ?? log.createdAt
  const mine = asked.server.logs().filter((log) => !log.isDeleted && log.members.has(asked.user))
  const sorted = mine.reverse().sort((one, other) => newest(other).localeCompare(newest(one)))
  const from = Number(asked.query.get('cursor') ?? 0)
  const limit = Number(asked.query.get('limit') ?? 50)
  const conversations = sorted.slice(from, from + limit).map((log) => summary(asked, log))
  return { conversations, next_cursor: sorted.length > from + limit ? String(from + limit) : null }
}

function createConversation(asked: Asked): unknown {
  const {
    kind,
    title,
    member_ids: others,
  } = asked.body as { kind: Kind; title?: string; member_ids: string[] }
  const log = asked.server.create(kind, title ?? null, asked.user, others)
  return summary(asked, log)
}

function rename(asked: Asked): unknown {
  const log = own(asked)
  asked.server.publish(log.rename(asked.user, (asked.body as { title: string | null }).title))
  return summary(asked, log)
}

function addMember(asked: Asked): void {
  const { user_id: userId, role } = asked.body as { user_id: string; role?: Role }
  const event = own(asked).add(asked.user, userId, role)
  if (event !== null) asked.server.publish(event)
}

function setRole(asked: Asked): void {
  const { role } = asked.body as { role: Role }
  asked.server.publish(own(asked).setRole(asked.user, asked.path[3] ?? '', role))
}

function removeMember(asked: Asked): void {
  asked.server.publish(own(asked).remove(asked.user, asked.path[3] ?? ''))
}

function members(asked: Asked): unknown {
  const all = [...own(asked).members].sort(([one], [other]) => (one < other ? -1 : 1))
  return {
    members: all.map(([user_id, role]) => {
      const { name, avatar, online, last_seen } = asked.server.userOut(user_id)
      return { user_id, role, name, avatar, online, last_seen }
    }),
    next_cursor: null,
  }
}

function messages(asked: Asked): unknown {
  const log = own(asked)
  const limit = Number(asked.query.get('limit') ?? 50)
  const before = Number(asked.query.get('before') ?? Number.POSITIVE_INFINITY)
  const after = asked.query.get('after')
  const all = log.messages.filter(({ seq }) => seq < before && seq > Number(after ?? 0))
  const page = after === null ? all.slice(-limit) : all.slice(0, limit)
  return {
    messages: page.map((message) => messageOut(log.id, message)),
    has_more: all.length > limit,
    head: log.head,
    epoch: asked.server.epoch,
  }
}

function events(asked: Asked): unknown {
  const log = own(asked)
  const after = Number(asked.query.get('after') ?? 0)
  const limit = Number(asked.query.get('limit') ?? 200)
  const rest = log.events.slice(after)
  return {
    events: rest.slice(0, limit),
    has_more: rest.length > limit,
    head: log.head,
    epoch: asked.server.epoch,
  }
}

function summary({ user }: Asked, log: FakeLog): ConversationOut {
  const read = log.read.get(user) ?? 0
  const last = log.messages.at(-1)
  return {
    id: log.id,
    kind: log.kind,
    title: log.title,
    role: log.role(user),
    seq: log.head,
    member_count: log.members.size,
    read_seq: read,
    unread: log.messages.filter((message) => message.seq > read && message.sender_id !== user).length,
    created_at: log.createdAt,
    last_message: last === undefined ? null : messageOut(log.id, last),
    peer_id: log.kind === 'direct' ? (log.peers.find((peer) => peer !== user) ?? null) : null,
  }
}

function messageOut(conversationId: string, message: Message): MessageOut {
  const { sender, client_message_id = null, persona_id = null, reply } = message
  return {
    ...message,
    conversation_id: conversationId,
    sender: { name: sender.name ?? null, avatar: sender.avatar ?? null },
    client_message_id,
    persona_id,
    reply:
      reply === undefined
        ? null
        : {
            ...reply,
            attempt: reply.attempt ?? 1,
            status: reply.status ?? 'complete',
            model: reply.model ?? null,
          },
  }
}
