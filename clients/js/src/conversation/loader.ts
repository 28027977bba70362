import { asChatError, type ChatError } from '../errors.js'
import type { ServerEvent } from '../generated/protocol.js'
import type { ConversationContext } from './context.js'
import { withMembers, withOlder, withSummary } from './history.js'
import { type ConversationState, isMissing, LARGE } from './state.js'

const PAGE = 100
const FILL_PAGE = 200
// Where many came and went, a page of the log may hold few messages.
const ENOUGH_MESSAGES = 20
const MOST_PAGES = 5
const LONGEST_PAUSE_MS = 30_000

/** The conversation that something is loaded for. */
export interface LoaderHost {
  readonly id: string
  readonly isWanted: boolean
  readonly state: ConversationState
  change(change: (state: ConversationState) => ConversationState): void
  /** Take an event that was missed. */
  received(event: ServerEvent): void
  /** A stretch of earlier log was put in. */
  loaded(events: readonly ServerEvent[]): void
  /** HTTP does not help: ask for what is missing on the connection. */
  join(): Promise<void>
  /** `isLoading` or `error` has changed. */
  refresh(): void
}

/** Loads over HTTP what the connection does not bring: the past, the whole, and what was lost. */
export class Loader {
  readonly #context: ConversationContext
  readonly #host: LoaderHost
  isLoading = false
  error: ChatError | null = null
  #older: Promise<void> | null = null
  #isFilling = false
  #members: Promise<void> | null = null
  #isMembersStale = false
  /** Counts the times that everything was to be loaded: a later one replaces an earlier one. */
  #round = 0

  constructor(context: ConversationContext, host: LoaderHost) {
    this.#context = context
    this.#host = host
  }

  /** Load an earlier part of the log, with some messages in it if there are any. Never rejects. */
  older(): Promise<void> {
    // Over before it is told that it is: whoever hears of it may ask for more.
    this.#older ??= this.#tracked(() =>
      this.#pages().finally(() => {
        this.#older = null
      }),
    )
    return this.#older
  }

  /**
   * Load name, members and, unless they are here, the newest messages; tried until it succeeds, is
   * refused for good, or nobody has the conversation open any more.
   */
  async newest(withMessages: boolean): Promise<void> {
    this.#round += 1
    const round = this.#round
    for (let pauseMs = 1_000; ; pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs)) {
      await this.#tracked(() => this.#whole(withMessages))
      if (this.error === null || !this.error.temporary) return
      await this.#pause(this.error.retryAfterMs ?? pauseMs)
      if (round !== this.#round || !this.#host.isWanted) return
    }
  }

  /** Load the members anew, once more if they change meanwhile. */
  members(): void {
    this.#isMembersStale = true
    this.#members ??= this.#loadMembers()
      .catch(() => {}) // Their ids are known from the event; only names are missing.
      .finally(() => {
        this.#members = null
      })
  }

  /** Fill the hole after `seq` with the log, or ask for it on the connection if that fails. */
  async fill(): Promise<void> {
    if (this.#isFilling) return
    this.#isFilling = true
    const filled = await this.#fillPages().catch(() => false)
    this.#isFilling = false
    if (!filled) await this.#host.join()
  }

  async #fillPages(): Promise<boolean> {
    while (isMissing(this.#host.state)) {
      const { seq, epoch } = this.#host.state
      const page = await this.#context.http.events(this.#host.id, seq, FILL_PAGE)
      if (page.epoch !== epoch) return false
      for (const event of page.events) this.#host.received(event as unknown as ServerEvent)
      if (this.#host.state.seq === seq) return false
    }
    return true
  }

  async #whole(withMessages: boolean): Promise<void> {
    const { http } = this.#context
    const isSmall = this.#host.state.memberCount <= LARGE
    if (isSmall) this.#isMembersStale = true
    const [summary] = await Promise.all([
      http.conversation(this.#host.id),
      withMessages ? this.#pages() : undefined,
      isSmall ? this.#loadMembers() : undefined,
    ])
    this.#host.change((state) => withSummary(state, summary))
  }

  async #pages(): Promise<void> {
    let gained = 0
    for (let pages = 0; pages < MOST_PAGES && gained < ENOUGH_MESSAGES; pages += 1) {
      const { oldest, epoch } = this.#host.state
      if (oldest <= 1) return
      const after = Math.max(0, oldest - 1 - PAGE)
      const page = await this.#context.http.events(this.#host.id, after, oldest - 1 - after)
      const now = this.#host.state
      // Meanwhile it was joined anew from elsewhere, or this is another history.
      if (now.oldest !== oldest || now.epoch !== epoch || page.epoch !== epoch) return
      const events = page.events as unknown as ServerEvent[]
      this.#host.change((state) => withOlder(state, after, events))
      this.#host.loaded(events)
      gained += this.#host.state.messages.length - now.messages.length
    }
  }

  async #loadMembers(): Promise<void> {
    while (this.#isMembersStale) {
      this.#isMembersStale = false
      const { members } = await this.#context.http.members(this.#host.id)
      if (this.#host.state.memberCount > LARGE) return
      this.#context.presence.learned(members)
      this.#host.change((state) => withMembers(state, members))
    }
  }

  async #tracked(work: () => Promise<void>): Promise<void> {
    this.isLoading = true
    this.#host.refresh()
    this.error = await work().then(
      () => null,
      (thrown: unknown) => asChatError(thrown),
    )
    this.isLoading = false
    this.#host.refresh()
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#context.platform.setTimeout(resolve, ms)
    })
  }
}
