// Taken when this is loaded: a test may replace the global one later.
const soon = globalThis.setTimeout

interface Timer {
  readonly due: number
  readonly order: number
  readonly callback: () => void
}

/** Time that passes only when a test says so. */
export class VirtualClock {
  #now: number
  #order = 0
  readonly #timers = new Map<number, Timer>()

  /** @param now - Milliseconds since 1970. */
  constructor(now = Date.parse('2025-01-15T10:30:00.000Z')) {
    this.#now = now
  }

  readonly now = (): number => this.#now

  readonly setTimeout = (callback: () => void, ms: number): number => {
    this.#order += 1
    this.#timers.set(this.#order, { due: this.#now + Math.max(0, ms), order: this.#order, callback })
    return this.#order
  }

  readonly clearTimeout = (timer: unknown): void => {
    this.#timers.delete(timer as number)
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size
  }

  /** Let time pass: every timer fires at its moment, and what follows from it is done before the next. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await this.settle()
    for (let timer = this.#next(until); timer !== undefined; timer = this.#next(until)) {
      this.#now = Math.max(this.#now, timer.due)
      this.#timers.delete(timer.order)
      timer.callback()
      await this.settle()
    }
    this.#now = until
  }

  /** Let time pass while nothing runs, as in a frozen tab or a closed laptop: what was due is late. */
  async sleep(ms: number): Promise<void> {
    this.#now += ms
    await this.advance(0)
  }

  /** Wait until everything is done that needs no time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) await new Promise<void>((resolve) => soon(resolve, 0))
  }

  #next(until: number): Timer | undefined {
    const due = [...this.#timers.values()].filter((timer) => timer.due <= until)
    return due.sort((one, other) => one.due - other.due || one.order - other.order)[0]
  }
}
