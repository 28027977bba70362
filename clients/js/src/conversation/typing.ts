import type { Platform } from '../platform.js'
import { Timers } from '../timers.js'

const REPEAT_MS = 3_000
const IDLE_MS = 4_000
/**
 * How long the typing of others is believed: the event that would end it may be lost. The server's own limit
 * is 5 s.
 */
export const FORGET_TYPING_MS = 6_000

/** What the others are told of the user's own typing: at once, every 3 s, and 4 s after the last key. */
export class TypingOut {
  readonly #platform: Platform
  readonly #tell: (type: 'typing_start' | 'typing_stop') => void
  #toldAt: number | null = null
  readonly #timers: Timers<'idle'>

  constructor(platform: Platform, tell: (type: 'typing_start' | 'typing_stop') => void) {
    this.#platform = platform
    this.#timers = new Timers(platform)
    this.#tell = tell
  }

  /** A key was pressed. */
  key(): void {
    const now = this.#platform.now()
    if (this.#toldAt === null || now - this.#toldAt >= REPEAT_MS) {
      this.#toldAt = now
      this.#tell('typing_start')
    }
    this.#timers.set('idle', IDLE_MS, () => this.stop())
  }

  stop(): void {
    if (this.#toldAt !== null) this.#tell('typing_stop')
    this.forget()
  }

  /** The server knows already, or nobody can be told. */
  forget(): void {
    this.#timers.stop('idle')
    this.#toldAt = null
  }
}
