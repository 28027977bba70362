import type { DurableEvent } from '../conversation/state.js'
import type { Message, Sender } from '../generated/protocol.js'
import type { ErrorCode } from '../generated/tables.js'
import { given } from '../given.js'
import type { Kind, Role } from '../snapshots.js'

/** Why a fake server does not do what it was asked for. */
export class Refusal extends Error {
  readonly code: ErrorCode
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, retryAfterMs?: number) {
    super(code)
    this.code = code
    this.retryAfterMs = retryAfterMs
  }
}

const RANK: Readonly<Record<Role, number>> = { reader: 0, member: 1, admin: 2, owner: 3 }

type WithoutPlace<E> = E extends DurableEvent ? Omit<E, 'conversation_id' | 'seq' | 'timestamp'> : never
/** A durable event before it has its place in the log. */
export type NewEvent = WithoutPlace<DurableEvent>

export interface NewMessage {
  readonly by: string
  readonly content: string
  readonly clientMessageId?: string | undefined
  readonly personaId?: string | undefined
  readonly extra?: Partial<Message>
}

/** One conversation of a fake server: its log, and the rules of who may add to it. */
export class FakeLog {
  readonly id: string
  readonly events: DurableEvent[] = []
  readonly members = new Map<string, Role>()
  readonly read = new Map<string, number>()
  kind: Kind = 'group'
  title: string | null = null
  createdAt = ''
  isDeleted = false
  readonly #now: () => string
  readonly #newId: () => string

  constructor(id: string, now: () => string, newId: () => string) {
    this.id = id
    this.#now = now
    this.#newId = newId
  }

  get head(): number {
    return this.events.length
  }

  get messages(): Message[] {
    return this.events.flatMap((event) => (event.type === 'new_message' ? [event.message] : []))
  }

  get peers(): string[] {
    return [...this.members.keys()]
  }

  role(userId: string): Role {
    const role = this.members.get(userId)
    if (role === undefined || this.isDeleted) throw new Refusal('conversation_not_found')
    return role
  }

  check(userId: string, least: Role): void {
    if (RANK[this.role(userId)] < RANK[least]) throw new Refusal('forbidden')
  }

  create(kind: Kind, title: string | null, by: string, others: readonly string[]): DurableEvent {
    if (kind === 'direct' && (others.length !== 1 || title !== null)) throw new Refusal('invalid_command')
    this.kind = kind
    this.title = title
    this.createdAt = this.#now()
    const rest: Role = kind === 'channel' ? 'reader' : 'member'
    this.members.set(by, kind === 'direct' ? 'member' : 'owner')
    for (const other of others) this.members.set(other, rest)
    const members = [...this.members].map(([user_id, role]) => ({ user_id, role }))
    return this.#add({ type: 'conversation_created', kind, title, by, members, member_count: members.length })
  }

  say({ by, content, clientMessageId, personaId, extra }: NewMessage, sender: Sender): DurableEvent {
    this.check(by, 'member')
    const message: Message = {
      id: this.#newId(),
      seq: this.head + 1,
      sender_id: by,
      sender,
      content,
      timestamp: this.#now(),
      is_ai: false,
      ...given({ client_message_id: clientMessageId, persona_id: personaId }),
      ...extra,
    }
    return this.#add({ type: 'new_message', message })
  }

  add(by: string, userId: string, role?: Role): DurableEvent | null {
    this.check(by, this.kind === 'channel' ? 'admin' : 'member')
    if (this.kind === 'direct') throw new Refusal('direct_is_fixed')
    return this.members.has(userId) ? null : this.enter(userId, role, by)
  }

  enter(
    userId: string,
    role: Role = this.kind === 'channel' ? 'reader' : 'member',
    by = userId,
  ): DurableEvent {
    this.members.set(userId, role)
    const members = [{ user_id: userId, role }]
    return this.#add({ type: 'members_added', by, members, member_count: this.members.size })
  }

  remove(by: string, userId: string): DurableEvent {
    const own = this.role(by)
    if (this.kind === 'direct') throw new Refusal('direct_is_fixed')
    const role = this.members.get(userId)
    if (role === undefined) throw new Refusal('member_not_found')
    if (by !== userId && (RANK[own] < RANK.admin || RANK[role] >= RANK[own])) throw new Refusal('forbidden')
    const owners = [...this.members.values()].filter((other) => other === 'owner').length
    if (role === 'owner' && owners === 1 && this.members.size > 1) throw new Refusal('last_owner')
    this.members.delete(userId)
    return this.#add({ type: 'member_removed', user_id: userId, by, member_count: this.members.size })
  }

  setRole(by: string, userId: string, role: Role): DurableEvent {
    this.check(by, 'admin')
    if (!this.members.has(userId)) throw new Refusal('member_not_found')
    this.members.set(userId, role)
    return this.#add({ type: 'member_role_changed', user_id: userId, role, by })
  }

  rename(by: string, title: string | null): DurableEvent {
    if (this.kind === 'direct') throw new Refusal('direct_is_fixed')
    this.check(by, 'admin')
    this.title = title
    return this.#add({ type: 'conversation_renamed', title, by })
  }

  delete(by: string): DurableEvent {
    if (this.kind === 'direct') throw new Refusal('direct_is_fixed')
    this.check(by, 'owner')
    this.isDeleted = true
    return this.#add({ type: 'conversation_deleted', by })
  }

  #add(event: NewEvent): DurableEvent {
    const placed = { ...event, conversation_id: this.id, seq: this.head + 1, timestamp: this.#now() }
    this.events.push(placed)
    return placed
  }
}
