import { asChatError, type ChatError } from '../errors.js'
import type { Ack } from '../generated/protocol.js'
import type { Platform } from '../platform.js'
import type { OutboxSnapshot } from '../snapshots.js'
import { Cell } from '../store.js'
import { Timers } from '../timers.js'
import type { Outbox, OutboxEntry } from './outbox.js'

const MOST_ENTRIES = 500
const MOST_DONE = 1_000
const LONGEST_PAUSE_MS = 30_000

/** A message on its way: in the outbox, or acknowledged and not yet come back as an event. */
export type Waiting = OutboxEntry & { readonly ack?: Ack }

interface Lane {
  readonly conversationId: string
  readonly entries: Map<string, Waiting>
  isSending: boolean
  failures: number
}

/**
 * Sends what is in the outbox: those of one conversation one after the other, in the order in which they
 * were written, and each until the server has acknowledged it or refused it for good. A repeat carries
 * the same `client_message_id`, so that it is stored once, however often and by however many tabs it is
 * sent. At most 500 messages wait; one more has failed at once, with `outbox_full`.
 */
export class Sender {
  readonly snapshot = new Cell<OutboxSnapshot>({ waiting: 0 })
  readonly #outbox: Outbox
  readonly #platform: Platform
  readonly #transmit: (entry: OutboxEntry) => Promise<Ack>
  readonly #changed: (conversationId: string) => void
  readonly #lanes = new Map<string, Lane>()
  readonly #done = new Set<string>()
  /** Conversations in which nothing is sent for a while. */
  readonly #pauses: Timers<string>
  #owner: string | null = null
  #lastOrder = 0
  #isConnected = false

  /**
   * @param transmit - Sends one and awaits its `ack`; rejects with `ChatError`.
   * @param changed - Called when what waits in a conversation has changed.
   */
  constructor(
    outbox: Outbox,
    platform: Platform,
    transmit: (entry: OutboxEntry) => Promise<Ack>,
    changed: (conversationId: string) => void,
  ) {
    this.#outbox = outbox
    this.#platform = platform
    this.#pauses = new Timers(platform)
    this.#transmit = transmit
    this.#changed = changed
  }

  /** Take up what an owner left behind, in this tab or in another that is closed. */
  async adopt(owner: string): Promise<void> {
    const early = this.#owner === null ? [...this.#all()] : []
    this.#owner = owner
    for (const entry of early) this.#store(entry)
    const stored = await this.#outbox.load(owner).catch(() => [])
    for (const entry of stored) {
      const { conversationId, clientMessageId, order } = entry
      this.#lastOrder = Math.max(this.#lastOrder, order)
      const lane = this.#lane(conversationId)
      if (!this.#done.has(clientMessageId) && !lane.entries.has(clientMessageId))
        lane.entries.set(clientMessageId, entry)
    }
    for (const [conversationId, lane] of this.#lanes) {
      this.#tell(conversationId)
      void this.#run(lane)
    }
  }

  /** What waits in a conversation, in order. */
  waitingIn(conversationId: string): readonly Waiting[] {
    const entries = [...(this.#lanes.get(conversationId)?.entries.values() ?? [])]
    return entries.sort((one, other) => one.order - other.order)
  }

  add(message: Omit<OutboxEntry, 'order' | 'createdAt'>): void {
    const isFull = this.snapshot.getSnapshot().waiting >= MOST_ENTRIES
    const failed = { code: 'outbox_full', message: 'Too many messages wait.' }
    this.#put({
      ...message,
      createdAt: new Date(this.#platform.now()).toISOString(),
      order: this.#nextOrder(),
      ...(isFull ? { failed } : {}),
    })
  }

  /** Send a failed one again, after all that waits. Harmless if it has not failed. */
  retry(conversationId: string, clientMessageId: string): void {
    const entry = this.#lanes.get(conversationId)?.entries.get(clientMessageId)
    if (entry?.failed === undefined) return
    const { failed: _, ...rest } = entry
    this.#put({ ...rest, order: this.#nextOrder() })
  }

  /** Give a failed one up. One that has not failed may be stored already, and stays. */
  discard(conversationId: string, clientMessageId: string): void {
    const entry = this.#lanes.get(conversationId)?.entries.get(clientMessageId)
    if (entry?.failed !== undefined) this.settle(conversationId, clientMessageId)
  }

  /** The message is in the log for all to see, whoever sent it: nothing is left to be done. */
  settle(conversationId: string, clientMessageId: string): void {
    const lane = this.#lanes.get(conversationId)
    if (lane?.entries.delete(clientMessageId) !== true) return
    this.#forget(clientMessageId)
    this.#tell(conversationId)
  }

  /** Send whatever waits. */
  connected(): void {
    this.#isConnected = true
    for (const lane of this.#lanes.values()) void this.#run(lane)
  }

  disconnected(): void {
    this.#isConnected = false
    this.#pauses.stopAll()
  }

  async #run(lane: Lane): Promise<void> {
    if (lane.isSending) return
    lane.isSending = true
    for (let entry = this.#first(lane); entry !== undefined; entry = this.#first(lane)) {
      try {
        const ack = await this.#transmit(entry)
        lane.failures = 0
        this.#acknowledged(lane, entry, ack)
      } catch (thrown) {
        this.#refused(lane, entry, asChatError(thrown))
      }
    }
    lane.isSending = false
  }

  #first(lane: Lane): OutboxEntry | undefined {
    if (!this.#isConnected || this.#pauses.has(lane.conversationId)) return undefined
    return this.waitingIn(lane.conversationId).find(isToBeSent)
  }

  #acknowledged(lane: Lane, entry: OutboxEntry, ack: Ack): void {
    this.#forget(entry.clientMessageId)
    // Unless it came back as an event before; then it is not here any more.
    if (lane.entries.has(entry.clientMessageId)) lane.entries.set(entry.clientMessageId, { ...entry, ack })
    this.#tell(entry.conversationId)
  }

  #refused(lane: Lane, entry: OutboxEntry, error: ChatError): void {
    if (!lane.entries.has(entry.clientMessageId)) return
    if (!error.temporary) {
      const { code, message } = error
      this.#put({ ...entry, failed: { code, message } })
    } else if (this.#isConnected) this.#pause(lane, error.retryAfterMs)
  }

  /** Try again later: when the server said, else after 1 s, 2 s, 4 s ... 30 s. */
  #pause(lane: Lane, ms = Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** lane.failures)): void {
    lane.failures += 1
    this.#pauses.set(lane.conversationId, ms, () => void this.#run(lane))
  }

  #put(entry: OutboxEntry): void {
    const lane = this.#lane(entry.conversationId)
    lane.entries.set(entry.clientMessageId, entry)
    this.#store(entry)
    this.#tell(entry.conversationId)
    void this.#run(lane)
  }

  #store(entry: OutboxEntry): void {
    // A disk that is full or forbidden loses nothing yet: the entry is in memory.
    if (this.#owner !== null) this.#outbox.put(this.#owner, entry).catch(() => {})
  }

  #forget(clientMessageId: string): void {
    this.#done.add(clientMessageId)
    const [oldest] = this.#done
    if (this.#done.size > MOST_DONE && oldest !== undefined) this.#done.delete(oldest)
    // What stays on the disk is sent once more after a reload, and not stored again by the server.
    if (this.#owner !== null) this.#outbox.remove(this.#owner, clientMessageId).catch(() => {})
  }

  #lane(conversationId: string): Lane {
    const found = this.#lanes.get(conversationId) ?? {
      conversationId,
      entries: new Map<string, Waiting>(),
      isSending: false,
      failures: 0,
    }
    this.#lanes.set(conversationId, found)
    return found
  }

  #nextOrder(): number {
    this.#lastOrder = Math.max(this.#lastOrder + 1, this.#platform.now())
    return this.#lastOrder
  }

  #tell(conversationId: string): void {
    const waiting = [...this.#all()].filter(isToBeSent)
    if (waiting.length !== this.snapshot.getSnapshot().waiting) this.snapshot.set({ waiting: waiting.length })
    this.#changed(conversationId)
  }

  *#all(): Iterable<Waiting> {
    for (const lane of this.#lanes.values()) yield* lane.entries.values()
  }
}

function isToBeSent(entry: Waiting): boolean {
  return entry.failed === undefined && entry.ack === undefined
}
