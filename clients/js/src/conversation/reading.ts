import type { Platform } from '../platform.js'

const COALESCE_MS = 500

/** Tells the server up to where the user has read: at most twice a second, and never back. */
export class Reading {
  readonly #platform: Platform
  readonly #tell: (seq: number) => boolean
  #seq = 0
  #told = 0
  #timer: unknown = null

  /** @param tell - Returns false if the server cannot be told now. */
  constructor(platform: Platform, tell: (seq: number) => boolean) {
    this.#platform = platform
    this.#tell = tell
  }

  mark(seq: number): void {
    if (seq <= this.#seq) return
    this.#seq = seq
    this.#timer ??= this.#platform.setTimeout(() => {
      this.#timer = null
      this.flush()
    }, COALESCE_MS)
  }

  /** Tell now what was not told, after a reconnect for example. */
  flush(): void {
    if (this.#seq > this.#told && this.#tell(this.#seq)) this.#told = this.#seq
  }
}
