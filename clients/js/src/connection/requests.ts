import { ChatError } from '../errors.js'
import type { ServerEvent } from '../generated/protocol.js'
import type { Platform } from '../platform.js'
import { Timers } from '../timers.js'

const ANSWER_MS = 15_000
const MOST_PENDING = 500

interface Pending {
  readonly resolve: (answer: ServerEvent) => void
  readonly reject: (error: ChatError) => void
}

/**
 * Commands whose answers are awaited, by their `id`. At most 500: one more is rejected with `overloaded`.
 * None is awaited longer than 15 s, nor beyond its connection.
 */
export class Requests {
  readonly #platform: Platform
  readonly #timers: Timers<string>
  readonly #pending = new Map<string, Pending>()

  constructor(platform: Platform) {
    this.#timers = new Timers(platform)
    this.#platform = platform
  }

  /** Begin one; `send` gets the `id` that the command has to carry. */
  begin(send: (id: string) => void): Promise<ServerEvent> {
    if (this.#pending.size >= MOST_PENDING) return Promise.reject(new ChatError('overloaded'))
    // An answer may be sent to all connections of a user, and must not be taken for that of another tab.
    const id = this.#platform.uniqueId()
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.#timers.set(id, ANSWER_MS, () => this.#take(id)?.reject(new ChatError('timeout')))
      send(id)
    })
  }

  /** Hand an answer to whoever awaits it. */
  settle(event: ServerEvent): void {
    const { reply_to: id = '' } = event as { reply_to?: string }
    // A persona that may not be asked is an error beside the answer, not instead of it.
    if (event.type === 'error' && event.code === 'persona_not_found' && event.client_message_id !== undefined)
      return
    const pending = this.#take(id)
    if (event.type !== 'error') pending?.resolve(event)
    else pending?.reject(new ChatError(event.code, event.message, 0, event.retry_after_ms))
  }

  /** The connection has ended: nobody knows what became of what is pending. */
  abandon(): void {
    for (const id of this.#pending.keys()) this.#take(id)?.reject(new ChatError('disconnected'))
  }

  #take(id: string): Pending | undefined {
    const pending = this.#pending.get(id)
    this.#timers.stop(id)
    this.#pending.delete(id)
    return pending
  }
}
