import type { LiveConversation } from './conversation/conversation.js'

/**
 * Which of the open conversations are joined: as many as the server allows on one connection, the one
 * that has waited longest first. The others say `too_many_joined` until there is room.
 */
export class Joins {
  readonly #conversation: (id: string) => LiveConversation
  /** In the order in which they were opened. */
  readonly #wanted = new Set<string>()
  readonly #joined = new Set<string>()
  #limit = 0

  constructor(conversation: (id: string) => LiveConversation) {
    this.#conversation = conversation
  }

  /** True once everything that is joined has what it missed. */
  get areSettled(): boolean {
    return [...this.#joined].every((id) => !this.#conversation(id).isBehind)
  }

  has(id: string): boolean {
    return this.#joined.has(id)
  }

  /** Those that are joined, or about to be. */
  all(): LiveConversation[] {
    return [...this.#joined].map(this.#conversation)
  }

  opened(id: string): void {
    const status = this.#conversation(id).getSnapshot().status
    // Opened once more after it was refused: it may be possible by now.
    if (status === 'failed' || status === 'left') this.#joined.delete(id)
    this.#wanted.add(id)
    this.#fill()
  }

  closed(id: string): void {
    this.#wanted.delete(id)
    this.#joined.delete(id)
    this.#fill()
  }

  /** There is a new connection, on which nothing is joined. */
  connected(limit: number): void {
    this.#limit = limit
    this.#joined.clear()
    this.#fill()
  }

  disconnected(): void {
    this.#limit = 0
    for (const conversation of this.all()) conversation.cutOff()
  }

  #fill(): void {
    for (const id of this.#wanted) {
      if (this.#joined.has(id)) continue
      if (this.#joined.size < this.#limit) {
        this.#joined.add(id)
        void this.#conversation(id).join()
      } else if (this.#limit > 0) this.#conversation(id).refuse('too_many_joined')
    }
  }
}
