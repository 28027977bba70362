import type { DurableEvent } from '../conversation/state.js'
import type { UserOut } from '../generated/bodies.js'
import type { Command, Limits, Message, ServerEvent } from '../generated/protocol.js'
import type { ErrorCode } from '../generated/tables.js'
import { given } from '../given.js'
import type { Platform, WakeReason } from '../platform.js'
import type { Kind, Role } from '../snapshots.js'
import { VirtualClock } from './clock.js'
import { carryOut } from './commands.js'
import { Faults, type ScriptedAnswer } from './faults.js'
import { answer } from './http.js'
import { FakeLog, type NewMessage, Refusal } from './log.js'
import { FakeReply } from './reply.js'
import { FakeSocket } from './socket.js'

export interface FakeServerOptions {
  readonly clock?: VirtualClock
  readonly limits?: Partial<Limits>
  readonly heartbeatMs?: number
  /** Events after which a client is told to load history instead. */
  readonly replayLimit?: number
}

const LIMITS: Limits = {
  max_frame_bytes: 65_536,
  max_message_chars: 5_000,
  max_joined_conversations: 1_000,
  max_connections_per_user: 5,
  messages_per_second: 10,
}

type Untimed<E> = E extends ServerEvent ? Omit<E, 'timestamp'> : never

/**
 * A chat server in memory, for tests of what is built on the client.
 *
 * It speaks the protocol as the real one does (one suite of tests runs against both), says what a test
 * lets people say, and fails when a test wants it to. Its time is that of `clock`.
 */
export class FakeServer {
  readonly url = 'http://chat.test'
  readonly clock: VirtualClock
  readonly limits: Limits
  readonly replayLimit: number
  /** Every command that came, oldest first. */
  readonly received: (Command & { readonly by: string })[] = []
  epoch = 'epoch-1'
  readonly #heartbeatMs: number
  readonly #logs = new Map<string, FakeLog>()
  readonly #sockets = new Set<FakeSocket>()
  readonly #names = new Map<string, string>()
  readonly #replies = new Map<string, FakeReply>()
  readonly #wakers = new Set<(reason: WakeReason) => void>()
  readonly #faults = new Faults()
  #lastId = 0

  constructor({ clock, limits, heartbeatMs, replayLimit }: FakeServerOptions = {}) {
    this.clock = clock ?? new VirtualClock()
    this.limits = { ...LIMITS, ...limits }
    this.#heartbeatMs = heartbeatMs ?? 25_000
    this.replayLimit = replayLimit ?? 10_000
  }

  /** What `createClient` needs to speak with this server: `{ url: server.url, platform: server.platform() }`. */
  platform(): Platform {
    const connect = (url: string, protocols?: string[]) => new FakeSocket(this.#peer, url, protocols)
    return {
      WebSocket: class {
        constructor(url: string, protocols?: string[]) {
          // biome-ignore lint/correctness/noConstructorReturn: the socket knows its server, a class cannot
          return connect(url, protocols)
        }
      } as unknown as Platform['WebSocket'],
      fetch: (address, init) => this.#fetch(address, init),
      now: this.clock.now,
      setTimeout: this.clock.setTimeout,
      clearTimeout: this.clock.clearTimeout,
      random: () => 0.5,
      uniqueId: () => `client-${this.newId()}`,
      onWake: (listener) => {
        this.#wakers.add(listener)
        return () => this.#wakers.delete(listener)
      },
    }
  }

  // What people do.

  /** Make a conversation, or find the direct one that the two have. The first member owns it. */
  create(
    kind: Kind,
    title: string | null,
    by: string,
    others: readonly string[],
    id = this.newId(),
  ): FakeLog {
    const rest = others.filter((other) => other !== by)
    const direct = this.logs().find(
      (log) =>
        kind === 'direct' && log.kind === kind && log.members.has(by) && log.members.has(rest[0] ?? ''),
    )
    if (direct !== undefined) return direct
    const log = new FakeLog(id, this.#timestamp, this.newId)
    const created = log.create(kind, title, by, rest)
    this.#logs.set(id, log)
    this.publish(created)
    return log
  }

  /** Let somebody say something, who becomes a member if they are none. */
  say(by: string, conversationId: string, content: string): Message {
    this.enter(by, conversationId)
    return this.post(conversationId, { by, content }).message
  }

  /** Let somebody type, or stop. */
  type(userId: string, conversationId: string, isTyping = true): void {
    const event = this.stamped({
      type: 'typing_indicator',
      conversation_id: conversationId,
      user_id: userId,
      is_typing: isTyping,
    })
    for (const socket of this.#joined(conversationId)) if (socket.userId !== userId) socket.tell(event)
  }

  /** Let a persona begin to answer a message. */
  reply(conversationId: string, personaId: string, answers: string, attempt = 1): FakeReply {
    const place = { conversationId, personaId, answers, attempt }
    const reply = new FakeReply(this, place, this.newId(), this.newId())
    this.#replies.set(reply.runId, reply)
    return reply
  }

  /** Call somebody by a name. */
  name(userId: string, name: string): void {
    this.#names.set(userId, name)
  }

  addMember(by: string, conversationId: string, userId: string, role?: Role): void {
    const event = this.log(conversationId).add(by, userId, role)
    if (event !== null) this.publish(event)
  }

  removeMember(by: string, conversationId: string, userId: string): void {
    this.publish(this.log(conversationId).remove(by, userId))
  }

  rename(by: string, conversationId: string, title: string | null): void {
    this.publish(this.log(conversationId).rename(by, title))
  }

  delete(by: string, conversationId: string): void {
    this.publish(this.log(conversationId).delete(by))
  }

  // What goes wrong.

  /** Close every connection; 1006 is a cut without a word. */
  cut(code = 1006): void {
    for (const socket of this.#sockets) socket.end(code)
  }

  /** Let nothing through any more on the present connections, without telling anybody. */
  freeze(): void {
    for (const socket of this.#sockets) socket.isFrozen = true
  }

  /** Be unreachable until `start`. */
  stop(): void {
    this.#faults.isDown = true
    this.cut()
  }

  start(): void {
    this.#faults.isDown = false
    this.#faults.closing = null
  }

  /** Close each new connection at once with a code, until `start`. */
  refuseConnections(code: number): void {
    this.#faults.closing = code
  }

  /** Refuse the next command of a type. */
  refuseNext(type: Command['type'], code: ErrorCode, retryAfterMs?: number): void {
    this.#faults.refuse(type, new Refusal(code, retryAfterMs))
  }

  /** Lose the next events of a type, those that answer a command among them. */
  loseNext(type: ServerEvent['type'], count = 1): void {
    this.#faults.lose(type, count)
  }

  /** Answer the next request to an address with this; the address begins with `/api/v1`. */
  answerNext(method: string, path: string, status: number, body: unknown): void {
    this.#faults.answers.push({ method, path, status, body })
  }

  /** Put back an old backup: of each log only the first events are left, under another epoch. */
  restoreBackup(events: number): void {
    this.epoch = `epoch-${this.newId()}`
    for (const log of this.logs()) log.events.splice(events)
    this.cut()
  }

  /** Say something about the machine or page that the client runs on. */
  wake(reason: WakeReason): void {
    for (const listener of this.#wakers) listener(reason)
  }

  /** Send a heartbeat with the heads of all that is joined. */
  beat(): void {
    for (const socket of this.#sockets) {
      const heads = Object.fromEntries([...socket.joined].map((id) => [id, this.log(id).head]))
      socket.tell(this.stamped({ type: 'heartbeat', heads }))
    }
  }

  /** Ask everybody to come back later. */
  askToReconnect(afterMs: number): void {
    for (const socket of this.#sockets)
      this.#send(socket, this.stamped({ type: 'reconnect', after_ms: afterMs }))
  }

  // What there is.

  get connections(): number {
    return this.#sockets.size
  }

  logs(): FakeLog[] {
    return [...this.#logs.values()]
  }

  log(id: string): FakeLog {
    const found = this.#logs.get(id)
    if (found === undefined) throw new Refusal('conversation_not_found')
    return found
  }

  isOnline(userId: string): boolean {
    return [...this.#sockets].some((socket) => socket.userId === userId)
  }

  // What commands and requests need; a test has no need of these.

  /** @internal */
  readonly newId = (): string => {
    this.#lastId += 1
    return `id-${this.#lastId}`
  }

  /** @internal Open mode: whoever joins becomes a member. */
  enter(userId: string, id: string): FakeLog {
    const log = this.#logs.get(id)
    if (log === undefined) return this.create('group', null, userId, [], id)
    if (log.isDeleted || (log.kind === 'direct' && !log.members.has(userId))) {
      throw new Refusal('conversation_not_found')
    }
    if (!log.members.has(userId)) this.publish(log.enter(userId))
    return log
  }

  /** @internal */
  post(conversationId: string, said: NewMessage): { message: Message; isDuplicate: boolean } {
    const log = this.log(conversationId)
    const { by, clientMessageId } = said
    const before = log.messages.find(
      (message) =>
        message.client_message_id !== undefined &&
        message.client_message_id === clientMessageId &&
        message.sender_id === by,
    )
    if (before !== undefined) {
      if (before.content !== said.content || before.persona_id !== said.personaId)
        throw new Refusal('conflict')
      return { message: before, isDuplicate: true }
    }
    if (said.extra?.is_ai === true && !log.members.has(by)) log.members.set(by, 'member')
    const event = log.say(said, given({ name: this.#names.get(by) ?? by }))
    if (event.type !== 'new_message') throw new Refusal('internal')
    this.publish(event)
    return { message: event.message, isDuplicate: false }
  }

  /** @internal */
  publish(event: DurableEvent): void {
    const log = this.log(event.conversation_id)
    const gone = event.type === 'member_removed' ? event.user_id : null
    this.tellJoined(log.id, event)
    for (const socket of this.#sockets) this.#tapOnShoulder(socket, log, event)
    for (const socket of this.#joined(log.id)) {
      if (!log.isDeleted && socket.userId !== gone) continue
      socket.joined.delete(log.id)
      const reason = log.isDeleted ? 'deleted' : 'removed'
      socket.tell(this.stamped({ type: 'conversation_left', conversation_id: log.id, reason }))
    }
  }

  #tapOnShoulder(socket: FakeSocket, log: FakeLog, event: DurableEvent): void {
    if (socket.joined.has(log.id)) return
    const base = { type: 'notification', conversation_id: log.id, seq: event.seq } as const
    const isOne = (members: readonly { user_id: string }[]) =>
      members.some((m) => m.user_id === socket.userId)
    if (event.type === 'new_message' && log.members.has(socket.userId)) {
      socket.tell(this.stamped({ ...base, reason: 'new_message', message: event.message }))
    } else if (
      (event.type === 'members_added' || event.type === 'conversation_created') &&
      isOne(event.members)
    ) {
      if (event.by !== socket.userId) socket.tell(this.stamped({ ...base, reason: 'added' }))
    } else if (event.type === 'member_removed' && event.user_id === socket.userId) {
      socket.tell(this.stamped({ ...base, reason: 'removed' }))
    } else if (event.type === 'conversation_deleted' && log.members.has(socket.userId)) {
      socket.tell(this.stamped({ ...base, reason: 'deleted' }))
    }
  }

  /** @internal */
  tellJoined(conversationId: string, event: ServerEvent): void {
    if (this.#faults.isLost(event)) return
    for (const socket of this.#joined(conversationId)) socket.tell(event)
  }

  /** @internal */
  tellUser(userId: string, event: ServerEvent): void {
    for (const socket of this.#sockets) if (socket.userId === userId) socket.tell(event)
  }

  /** @internal */
  answer(socket: FakeSocket, event: ServerEvent): void {
    this.#send(socket, event)
  }

  /** @internal */
  stamped<E extends Untimed<ServerEvent>>(event: E): ServerEvent {
    return { ...event, timestamp: this.#timestamp() } as unknown as ServerEvent
  }

  /** @internal */
  shareConversation(one: string, other: string): boolean {
    return this.logs().some((log) => log.members.has(one) && log.members.has(other))
  }

  /** @internal */
  findReply(runId: string, userId: string): FakeReply {
    const reply = this.#replies.get(runId)
    if (reply === undefined || !this.log(reply.place.conversationId).members.has(userId)) {
      throw new Refusal('run_not_found')
    }
    return reply
  }

  /** @internal */
  repliesIn(conversationId: string): FakeReply[] {
    return [...this.#replies.values()].filter((reply) => reply.place.conversationId === conversationId)
  }

  /** @internal */
  regenerate(messageId: string, userId: string): FakeReply {
    const earlier = [...this.#replies.values()].filter(
      ({ messageId: own, place }) => own === messageId || place.answers === messageId,
    )
    const last = earlier.at(-1)
    if (last === undefined) throw new Refusal('run_not_found')
    this.findReply(last.runId, userId).stop(userId)
    const { conversationId, personaId, answers, attempt } = last.place
    return this.reply(conversationId, personaId, answers, attempt + 1).start()
  }

  /** @internal */
  userOf(headers: Headers): string {
    const token = headers.get('Authorization')?.replace(/^Bearer /, '')
    const user = token === undefined ? headers.get('X-Gator-User') : subjectOf(token)
    if (user === null || user === undefined) throw new Refusal('not_authenticated')
    return new TextDecoder().decode(Uint8Array.from(user, (char) => char.charCodeAt(0)))
  }

  /** @internal */
  userOut(id: string): UserOut {
    return { id, name: this.#names.get(id) ?? null, avatar: null, online: this.isOnline(id), last_seen: null }
  }

  /** @internal */
  scriptedAnswer(method: string, path: string): ScriptedAnswer | undefined {
    return this.#faults.answerTo(method, path)
  }

  readonly #timestamp = (): string => new Date(this.clock.now()).toISOString()

  readonly #peer = {
    opened: (socket: FakeSocket) => this.#opened(socket),
    said: (socket: FakeSocket, command: Command) => this.#said(socket, command),
    closed: (socket: FakeSocket) => this.#closed(socket),
  }

  #opened(socket: FakeSocket): void {
    if (this.#faults.isDown) return socket.end(1006)
    if (this.#faults.closing !== null) return socket.end(this.#faults.closing)
    const token = socket.protocols.find((protocol) => protocol.startsWith('bearer.'))?.slice('bearer.'.length)
    const place = decodeURIComponent(new URL(socket.url).pathname.replace(/^\/ws\//, ''))
    const userId = token === undefined ? place : subjectOf(token)
    if (userId === undefined || (token === undefined && place === 'auth')) return socket.end(1008)
    socket.userId = userId
    this.#sockets.add(socket)
    const users = [userId, ...this.#seenBy(userId)]
    this.#send(
      socket,
      this.stamped({
        type: 'online_users',
        users,
        connection_id: this.newId(),
        user_id: userId,
        heartbeat_ms: this.#heartbeatMs,
        epoch: this.epoch,
        limits: this.limits,
      }),
    )
  }

  #said(socket: FakeSocket, command: Command): void {
    this.received.push({ ...command, by: socket.userId })
    try {
      this.#faults.check(command.type)
      carryOut(this, socket, command)
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown
      const { code, retryAfterMs } = thrown
      const clientMessageId = command.type === 'send_message' ? command.client_message_id : undefined
      const about = given({
        reply_to: command.id,
        client_message_id: clientMessageId,
        retry_after_ms: retryAfterMs,
      })
      this.#send(socket, this.stamped({ type: 'error', code, message: code, ...about }))
    }
  }

  #closed(socket: FakeSocket): void {
    this.#sockets.delete(socket)
    if (socket.userId !== '' && !this.isOnline(socket.userId)) this.tellPresence(socket, false)
  }

  /** @internal Somebody is seen coming by those who have joined where they join, and going likewise. */
  tellPresence(by: FakeSocket, online: boolean): void {
    const event = this.stamped({ type: 'presence_update', user_id: by.userId, online })
    for (const socket of this.#sockets) {
      const shares = [...socket.joined].some((id) => by.joined.has(id))
      if (shares && socket.userId !== by.userId) socket.tell(event)
    }
  }

  /** @internal Members who have joined a conversation on some connection. */
  onlineIn(conversationId: string): string[] {
    return [...new Set(this.#joined(conversationId).map((socket) => socket.userId))]
  }

  #send(socket: FakeSocket, event: ServerEvent): void {
    if (!this.#faults.isLost(event)) socket.tell(event)
  }

  #joined(conversationId: string): FakeSocket[] {
    return [...this.#sockets].filter((socket) => socket.joined.has(conversationId))
  }

  #seenBy(userId: string): string[] {
    const joined = [...this.#sockets]
      .filter((socket) => socket.userId === userId)
      .flatMap(({ joined }) => [...joined])
    return [...new Set(joined.flatMap((id) => this.onlineIn(id)))].filter((other) => other !== userId)
  }

  async #fetch(address: string, init?: RequestInit): Promise<Response> {
    if (this.#faults.isDown) throw new TypeError('fetch failed')
    return answer(this, address, init)
  }
}

/** Whom a token names. A fake server believes it, whoever signed it. */
function subjectOf(token: string): string | undefined {
  try {
    const [, payload = ''] = token.split('.')
    return (JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/'))) as { sub?: string }).sub
  } catch {
    return undefined
  }
}
