import type { Platform } from './platform.js'

/** Timers by name: setting one takes the place of the last one of its name. */
export class Timers<Name extends string> {
  readonly #platform: Platform
  readonly #running = new Map<Name, unknown>()

  constructor(platform: Platform) {
    this.#platform = platform
  }

  set(name: Name, ms: number, callback: () => void): void {
    this.stop(name)
    const fire = () => {
      this.#running.delete(name)
      callback()
    }
    this.#running.set(name, this.#platform.setTimeout(fire, ms))
  }

  has(name: Name): boolean {
    return this.#running.has(name)
  }

  stop(name: Name): void {
    this.#platform.clearTimeout(this.#running.get(name))
    this.#running.delete(name)
  }

  stopAll(): void {
    for (const name of this.#running.keys()) this.stop(name)
  }
}
