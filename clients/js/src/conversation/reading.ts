import type { Platform } from '../platform.js'
import { Timers } from '../timers.js'

const COALESCE_MS = 500

/** Tells the server up to where the user has read: at most twice a second, and never back. */
export class Reading {
  readonly #timers: Timers<'tell'>
  readonly #tell: (seq: number) => boolean
  #seq = 0
  #told = 0

  /** @param tell - Returns false if the server cannot be told now. */
  constructor(platform: Platform, tell: (seq: number) => boolean) {
    this.#timers = new Timers(platform)
    this.#tell = tell
  }

  mark(seq: number): void {
    if (seq <= this.#seq) return
    this.#seq = seq
    if (!this.#timers.has('tell')) this.#timers.set('tell', COALESCE_MS, () => this.flush())
  }

  /** Tell now what was not told, after a reconnect for example. */
  flush(): void {
    if (this.#seq > this.#told && this.#tell(this.#seq)) this.#told = this.#seq
  }
}
