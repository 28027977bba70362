import type { Platform } from '../platform.js'
import { Timers } from '../timers.js'

// A timer that comes this much later than it was set for has slept with its tab or its machine.
const LATE_MS = 2_000
const LONGEST_PROBE_MS = 5_000

/**
 * Finds out whether the other side still lives.
 *
 * A socket whose network has gone says nothing, for many minutes. So after two thirds of a heartbeat of
 * silence the server is asked for a sign of life, and if none comes in a quarter of one, the connection
 * is dead: it takes less than one heartbeat in all. Who has slept (a frozen tab, a closed laptop) cannot
 * tell silence from not having listened, and asks first.
 */
export class Pulse {
  readonly #platform: Platform
  readonly #probe: () => void
  readonly #dead: () => void
  #quietMs = 0
  #probeMs = 0
  #heardAt = 0
  #probedAt: number | null = null
  #lateOnce = false
  #due = 0
  readonly #timers: Timers<'look'>

  /**
   * @param probe - Asks the server for a sign of life.
   * @param dead - Called once, when none came; the pulse has stopped then.
   */
  constructor(platform: Platform, probe: () => void, dead: () => void) {
    this.#platform = platform
    this.#timers = new Timers(platform)
    this.#probe = probe
    this.#dead = dead
  }

  start(heartbeatMs: number): void {
    this.stop()
    this.#quietMs = (heartbeatMs * 2) / 3
    this.#probeMs = Math.min(LONGEST_PROBE_MS, heartbeatMs / 4)
    this.heard()
    this.#wait(this.#quietMs)
  }

  stop(): void {
    this.#timers.stop('look')
    this.#probedAt = null
  }

  /** Something came. */
  heard(): void {
    this.#heardAt = this.#platform.now()
    this.#probedAt = null
    this.#lateOnce = false
  }

  /** Ask now, unless it is asked already: something happened that connections seldom survive. */
  doubt(): void {
    if (this.#timers.has('look') && this.#probedAt === null) this.#ask()
  }

  #ask(): void {
    this.#probedAt = this.#platform.now()
    this.#wait(this.#probeMs)
    this.#probe()
  }

  #wait(ms: number): void {
    this.#due = this.#platform.now() + ms
    this.#timers.set('look', ms, () => this.#look())
  }

  #look(): void {
    const now = this.#platform.now()
    const isLate = now - this.#due > LATE_MS
    const slept = isLate && !this.#lateOnce
    this.#lateOnce = isLate
    if (this.#probedAt !== null && !slept) {
      this.stop()
      this.#dead()
    } else if (slept || now - this.#heardAt >= this.#quietMs) this.#ask()
    else this.#wait(this.#heardAt + this.#quietMs - now)
  }
}
