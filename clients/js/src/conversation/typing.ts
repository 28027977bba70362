import type { Platform } from '../platform.js'

const REPEAT_MS = 3_000
const IDLE_MS = 4_000
// The server's own limit is 5 s, counted from when it told the others.
const FORGET_MS = 6_000

/** What the others are told of the user's own typing: at once, every 3 s, and 4 s after the last key. */
export class TypingOut {
  readonly #platform: Platform
  readonly #tell: (type: 'typing_start' | 'typing_stop') => void
  #toldAt: number | null = null
  #idle: unknown = null

  constructor(platform: Platform, tell: (type: 'typing_start' | 'typing_stop') => void) {
    this.#platform = platform
    this.#tell = tell
  }

  /** A key was pressed. */
  key(): void {
    const now = this.#platform.now()
    if (this.#toldAt === null || now - this.#toldAt >= REPEAT_MS) {
      this.#toldAt = now
      this.#tell('typing_start')
    }
    this.#platform.clearTimeout(this.#idle)
    this.#idle = this.#platform.setTimeout(() => this.stop(), IDLE_MS)
  }

  stop(): void {
    if (this.#toldAt !== null) this.#tell('typing_stop')
    this.forget()
  }

  /** The server knows already, or nobody can be told. */
  forget(): void {
    this.#platform.clearTimeout(this.#idle)
    this.#toldAt = null
  }
}

/** Ends the typing of others by itself: the event that would end it may be lost. */
export class TypingIn {
  readonly #platform: Platform
  readonly #over: (userId: string) => void
  readonly #timers = new Map<string, unknown>()

  /** @param over - Called 6 s after the last that was heard of a user's typing. */
  constructor(platform: Platform, over: (userId: string) => void) {
    this.#platform = platform
    this.#over = over
  }

  heard(userId: string, isTyping: boolean): void {
    this.#platform.clearTimeout(this.#timers.get(userId))
    this.#timers.delete(userId)
    if (!isTyping) return
    const forget = () => {
      this.#timers.delete(userId)
      this.#over(userId)
    }
    this.#timers.set(userId, this.#platform.setTimeout(forget, FORGET_MS))
  }
}
