import { ChatError } from '../errors.js'
import type { Command, OnlineUsers, ServerEvent } from '../generated/protocol.js'
import { FINAL_CLOSES } from '../generated/tables.js'
import { given } from '../given.js'
import type { Platform, WebSocketLike } from '../platform.js'
import type { ConnectionSnapshot } from '../snapshots.js'
import { Cell } from '../store.js'
import { Timers } from '../timers.js'
import { backoff } from './backoff.js'
import { Pulse } from './pulse.js'
import { Requests } from './requests.js'
import { type Cause, type ConnectionState, next } from './states.js'
import type { Tokens } from './tokens.js'

/** The server's first frame. */
export type Welcome = OnlineUsers & { user_id: string }

export interface ConnectionListener {
  /** A connection stands; nothing is joined on it yet. */
  welcomed(first: Welcome): void
  /** Every other event, in the order in which they came. */
  received(event: ServerEvent): void
  /** The connection is gone. */
  ended(): void
}

const HANDSHAKE_MS = 10_000
// "The client kept on after many refusals; wait a minute."
const TOO_HASTY = 4029
const HASTE_MS = 60_000
const HEARTBEAT_MS = 25_000

/** One user's connection to a server, through all its sockets. `TRANSITIONS` has the states. */
export class Connection {
  readonly snapshot = new Cell<ConnectionSnapshot>({ state: 'closed', reason: 'new' })
  readonly #address: string
  readonly #platform: Platform
  readonly #tokens: Tokens | null
  readonly #listener: ConnectionListener
  readonly #requests: Requests
  readonly #pulse: Pulse
  #socket: WebSocketLike | null = null
  /** Counts sockets: what an earlier one still says concerns nobody. */
  #life = 0
  #failures = 0
  #comeBackAt: number | null = null
  readonly #timers: Timers<'retry' | 'handshake' | 'token' | 'restart'>
  #stopListening: (() => void) | null = null

  /**
   * @param address - Of the WebSocket.
   * @param tokens - null in open mode.
   */
  constructor(address: string, platform: Platform, tokens: Tokens | null, listener: ConnectionListener) {
    this.#address = address
    this.#platform = platform
    this.#tokens = tokens
    this.#listener = listener
    this.#requests = new Requests(platform)
    this.#timers = new Timers(platform)
    this.#pulse = new Pulse(
      platform,
      () => this.#transmit({ type: 'heartbeat' }),
      () => this.#end('silent'),
    )
  }

  get state(): ConnectionState {
    return this.snapshot.getSnapshot().state
  }

  /** True while commands can be sent. */
  get usable(): boolean {
    return this.state === 'open' || this.state === 'catching_up'
  }

  connect(): void {
    this.#stopListening ??= this.#platform.onWake((reason) => {
      if (this.usable) this.#pulse.doubt()
      else this.#begin(reason)
    })
    this.#begin('asked')
  }

  close(): void {
    this.#stopListening?.()
    this.#stopListening = null
    this.#failures = 0
    this.#end('closed')
  }

  /** Everything that was open is joined again and up to date. */
  caughtUp(): void {
    this.#failures = 0
    this.#move('caught_up')
  }

  /** Send a command and await its answer. Rejects with `ChatError`. */
  request(command: Command): Promise<ServerEvent> {
    if (!this.usable) return Promise.reject(new ChatError('disconnected'))
    return this.#requests.begin((id) => this.#transmit({ ...command, id }))
  }

  /** Send a command that is worth nothing later. */
  tell(command: Command): void {
    if (this.usable) this.#transmit(command)
  }

  #begin(cause: Cause): void {
    if (!this.#move(cause)) return
    this.#timers.stopAll()
    this.#life += 1
    void this.#openSocket(this.#life)
  }

  async #openSocket(life: number): Promise<void> {
    let protocols: string[] | undefined
    try {
      if (this.#tokens !== null) protocols = ['gator.v1', `bearer.${await this.#tokens.fresh()}`]
    } catch {
      if (life === this.#life) this.#end('token_failed')
      return
    }
    if (life !== this.#life) return
    this.#timers.set('handshake', HANDSHAKE_MS, () => this.#end('silent'))
    const socket = new this.#platform.WebSocket(this.#address, protocols)
    this.#socket = socket
    socket.onmessage = ({ data }) => {
      if (life === this.#life && typeof data === 'string') this.#heard(data)
    }
    socket.onclose = ({ code }) => {
      if (life === this.#life) this.#closed(code)
    }
    // A close always follows. Without a handler some implementations throw.
    socket.onerror = () => {}
  }

  #heard(data: string): void {
    this.#pulse.heard()
    const event = parse(data)
    if (event === null) return
    if (this.state === 'connecting') {
      if (event.type === 'online_users' && event.user_id !== undefined) {
        this.#welcome({ ...event, user_id: event.user_id })
      }
      return
    }
    if (event.type === 'reconnect') this.#leaveLater(event.after_ms)
    // First the state, then whoever awaits the answer: they find it folded in.
    this.#listener.received(event)
    this.#requests.settle(event)
  }

  #welcome(first: Welcome): void {
    this.#timers.stopAll()
    const { user_id: userId, limits } = first
    this.#move('welcomed', { userId, ...given({ limits }) })
    this.#pulse.start(first.heartbeat_ms ?? HEARTBEAT_MS)
    this.#renewTokenLater(this.#tokens?.renewInMs())
    this.#listener.welcomed(first)
  }

  #closed(code: number): void {
    if (FINAL_CLOSES.has(code)) this.#end('refused', code)
    else this.#end(this.#comeBackAt === null ? 'lost' : 'server_restarts', code)
  }

  /** The server goes away soon. Until then everything that is under way may still be finished. */
  #leaveLater(afterMs: number): void {
    this.#comeBackAt = this.#platform.now() + afterMs
    this.#timers.set('restart', afterMs, () => this.#end('server_restarts'))
  }

  #end(cause: Cause, code?: number): void {
    if (next(this.state, cause) === undefined) return
    this.#life += 1
    this.#timers.stopAll()
    this.#pulse.stop()
    const socket = this.#socket
    this.#socket = null
    socket?.close(1000)
    const retryAt = cause === 'refused' || cause === 'closed' ? undefined : this.#nextAttempt(code)
    this.#comeBackAt = null
    this.#move(cause, given({ code, retryAt }))
    if (retryAt !== undefined)
      this.#timers.set('retry', retryAt - this.#platform.now(), () => this.#begin('retry_due'))
    this.#requests.abandon()
    this.#listener.ended()
  }

  #nextAttempt(code = 0): number {
    const now = this.#platform.now()
    if (this.#comeBackAt !== null) return Math.max(now, this.#comeBackAt)
    this.#failures += 1
    return now + (code === TOO_HASTY ? HASTE_MS : 0) + backoff(this.#failures, this.#platform.random())
  }

  #renewTokenLater(ms: number | undefined): void {
    if (ms !== undefined) this.#timers.set('token', ms, () => void this.#renewToken(this.#life))
  }

  async #renewToken(life: number): Promise<void> {
    const tokens = this.#tokens
    if (tokens === null) return
    try {
      const token = await tokens.fresh()
      if (life !== this.#life) return
      await this.request({ type: 'refresh_token', token })
    } catch {
      // The old one holds for a while: asked again below, and after its end by connecting anew.
    }
    if (life === this.#life) this.#renewTokenLater(tokens.renewInMs())
  }

  #transmit(command: Command): void {
    this.#socket?.send(JSON.stringify(command))
  }

  #move(cause: Cause, changes: Partial<ConnectionSnapshot> = {}): boolean {
    const { code: _, retryAt: __, ...kept } = this.snapshot.getSnapshot()
    const to = next(kept.state, cause)
    if (to === undefined) return false
    this.snapshot.set({ ...kept, state: to, reason: cause, ...changes })
    return true
  }
}

function parse(data: string): ServerEvent | null {
  try {
    const event = JSON.parse(data) as ServerEvent | null
    return event?.type === undefined ? null : event
  } catch {
    return null // What is no frame of the protocol is ignored, as unknown events are.
  }
}
