import type { ConversationList } from './api.js'
import { camelCased } from './camel.js'
import type { ConversationOut, ConversationPage, MessageOut } from './generated/bodies.js'
import type { Message, NewMessage, Notification, ServerEvent } from './generated/protocol.js'
import type { ConversationListSnapshot, ConversationSummary } from './snapshots.js'
import { Cell } from './store.js'

/** What the list asks of the server. */
export interface ListSource {
  page(cursor?: string): Promise<ConversationPage>
  one(id: string): Promise<ConversationOut>
  userId(): string
}

/** The user's conversations, kept up to date by what comes of those that are joined and those that are not. */
export class LiveList extends Cell<ConversationListSnapshot> implements ConversationList {
  readonly #source: ListSource
  #cursor: string | null = null
  #loading: Promise<void> | null = null
  #isStale = false

  constructor(source: ListSource) {
    super({ items: [], status: 'idle', hasMore: false })
    this.#source = source
  }

  load(): Promise<void> {
    return this.#once(() => this.#page())
  }

  loadMore(): Promise<void> {
    const cursor = this.#cursor
    return cursor === null ? Promise.resolve() : this.#once(() => this.#page(cursor))
  }

  /** Load the first page, or the one at a cursor. */
  async #page(cursor?: string): Promise<void> {
    const { conversations, next_cursor: next } = await this.#source.page(cursor)
    const { items, status } = this.getSnapshot()
    const news = conversations.map(summaryOf)
    const ids = new Set(news.map((item) => item.id))
    const others = items.filter((item) => !ids.has(item.id))
    // Of later pages the first one says nothing: they stay as they are, and so does the place to go on.
    if (cursor !== undefined || status !== 'ready' || next === null) this.#cursor = next
    const rest = next === null ? [] : others
    this.set({
      items: cursor === undefined ? [...news, ...rest] : [...others, ...news],
      status: 'ready',
      hasMore: this.#cursor !== null,
    })
  }

  /** What was said while there was no connection is not said again: load anew what is shown. */
  welcomed(): void {
    if (this.getSnapshot().status !== 'idle') void this.load()
  }

  received(event: ServerEvent): void {
    if (this.getSnapshot().status === 'idle') return
    switch (event.type) {
      case 'new_message':
        this.#said(event)
        break
      case 'notification':
        this.#notified(event)
        break
      case 'read_marked':
        this.#read(event.conversation_id, event.seq)
        break
      case 'conversation_renamed':
        this.#change(event.conversation_id, { title: event.title, seq: event.seq })
        break
      case 'members_added':
      case 'member_removed':
        this.#change(event.conversation_id, { memberCount: event.member_count, seq: event.seq })
        break
      case 'member_role_changed':
        if (event.user_id === this.#source.userId()) this.#change(event.conversation_id, { role: event.role })
        break
      case 'conversation_joined':
        if (this.#find(event.conversation_id) === undefined) void this.refresh(event.conversation_id)
        break
      case 'conversation_left':
        if (event.reason !== 'asked') this.#place(event.conversation_id)
        break
      default:
    }
  }

  /** The user has read further; the server will be told, or was. */
  #read(id: string, seq: number): void {
    const item = this.#find(id)
    if (item === undefined || seq <= item.readSeq) return
    const last = item.lastMessage?.seq ?? 0
    if (seq >= last) this.#change(id, { readSeq: seq, unread: 0 })
    else void this.refresh(id)
  }

  /** Load one conversation and put it in its place, in front if it is new here. */
  async refresh(id: string): Promise<void> {
    try {
      const item = summaryOf(await this.#source.one(id))
      if (this.#find(id) === undefined) this.#place(id, item)
      else this.#change(id, item)
    } catch {
      // It is gone, or the list is loaded anew with the next connection.
    }
  }

  #said({ conversation_id: id, message }: NewMessage | (Notification & { message: Message })): void {
    const item = this.#find(id)
    if (item === undefined) {
      void this.refresh(id)
      return
    }
    if (message.seq <= (item.lastMessage?.seq ?? 0)) return
    const isUnread = message.sender_id !== this.#source.userId() && message.seq > item.readSeq
    const unread = item.unread + (isUnread ? 1 : 0)
    const fresh = { ...item, lastMessage: message, unread, seq: Math.max(item.seq, message.seq) }
    this.#place(id, fresh)
  }

  #notified(event: Notification): void {
    const { message, reason, conversation_id: id } = event
    if (reason === 'removed' || reason === 'deleted') this.#place(id)
    else if (message === undefined) void this.refresh(id)
    else this.#said({ ...event, message })
  }

  #find(id: string): ConversationSummary | undefined {
    return this.getSnapshot().items.find((item) => item.id === id)
  }

  #change(id: string, changes: Partial<ConversationSummary>): void {
    const change = (item: ConversationSummary) => (item.id === id ? { ...item, ...changes } : item)
    if (this.#find(id) !== undefined) this.patch({ items: this.getSnapshot().items.map(change) })
  }

  /** Put one in front, or with none take it away. */
  #place(id: string, ...item: ConversationSummary[]): void {
    this.patch({ items: [...item, ...this.getSnapshot().items.filter((other) => other.id !== id)] })
  }

  /** Load one thing at a time; what is asked for meanwhile is loaded after it. */
  #once(work: () => Promise<void>): Promise<void> {
    if (this.#loading !== null) {
      this.#isStale = true
      return this.#loading
    }
    if (this.getSnapshot().status !== 'ready') this.patch({ status: 'loading' })
    this.#loading = work()
      .catch(() => {
        if (this.getSnapshot().status !== 'ready') this.patch({ status: 'failed' })
      })
      .then(() => {
        this.#loading = null
        const again = this.#isStale
        this.#isStale = false
        return again ? this.load() : undefined
      })
    return this.#loading
  }
}

function summaryOf({ last_message: last, created_at: _, ...found }: ConversationOut): ConversationSummary {
  return { ...camelCased(found), lastMessage: last === null ? null : messageOf(last) }
}

/** A message of HTTP, where what is unknown is null, as it is on the wire, where it is left out. */
function messageOf(found: MessageOut): Message {
  return JSON.parse(JSON.stringify(found, (_, value) => value ?? undefined)) as Message
}
