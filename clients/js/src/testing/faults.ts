import type { Command, ServerEvent } from '../generated/protocol.js'
import type { Refusal } from './log.js'

export interface ScriptedAnswer {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly body: unknown
}

/** What a test wants to go wrong next. */
export class Faults {
  /** Nobody can connect. */
  isDown = false
  /** Whoever connects is closed with this code. */
  closing: number | null = null
  readonly answers: ScriptedAnswer[] = []
  readonly #refusals: { type: Command['type']; refusal: Refusal }[] = []
  readonly #lost = new Map<ServerEvent['type'], number>()

  refuse(type: Command['type'], refusal: Refusal): void {
    this.#refusals.push({ type, refusal })
  }

  /** Throws the refusal that was wanted for a command of this type, once. */
  check(type: Command['type']): void {
    const index = this.#refusals.findIndex((wanted) => wanted.type === type)
    const [wanted] = index < 0 ? [] : this.#refusals.splice(index, 1)
    if (wanted !== undefined) throw wanted.refusal
  }

  lose(type: ServerEvent['type'], count: number): void {
    this.#lost.set(type, count)
  }

  /** True if this event is to be lost; counts it. */
  isLost(event: ServerEvent): boolean {
    const count = this.#lost.get(event.type) ?? 0
    if (count > 0) this.#lost.set(event.type, count - 1)
    return count > 0
  }

  /** What was wanted as the answer to a request, once. */
  answerTo(method: string, path: string): ScriptedAnswer | undefined {
    const index = this.answers.findIndex((wanted) => wanted.method === method && wanted.path === path)
    return index < 0 ? undefined : this.answers.splice(index, 1)[0]
  }
}
