import type { Conversation, SendOptions } from '../api.js'
import { asChatError, type ChatError } from '../errors.js'
import type { NewMessage, ServerEvent } from '../generated/protocol.js'
import { given } from '../given.js'
import type { ConversationSnapshot, Role } from '../snapshots.js'
import { Cell } from '../store.js'
import { Timers } from '../timers.js'
import type { ConversationContext } from './context.js'
import { trimmed } from './history.js'
import { Loader, type LoaderHost } from './loader.js'
import { readUpTo, reduce, stoppedTyping } from './reducer.js'
import { markOver } from './replies.js'
import { type ConversationState, emptyState, isDurable, isMissing, LARGE } from './state.js'
import { FORGET_TYPING_MS, TypingOut } from './typing.js'
import { type Surroundings, snapshotOf } from './view.js'

// React mounts twice in its strict mode, and pages go back and forth: leaving at once would be in vain.
const LINGER_MS = 2_000
// How long a hole may be a replay under way.
const PATIENCE_MS = 5_000
const RETRY_MS = 1_000
const TELL_READ_MS = 500
// During a replay the state is shown at every so many events, and not at each.
const SHOWN_EVERY = 100
const KEPT_CLOSED = 200
const KEPT_OPEN = 20_000

const IDLE: Surroundings = {
  status: 'idle',
  reason: undefined,
  loadingOlder: false,
  historyError: null,
  waiting: [],
}

/** A conversation that is kept up to date: see the interface `Conversation`. */
export class LiveConversation extends Cell<ConversationSnapshot> implements Conversation, LoaderHost {
  readonly id: string
  readonly #context: ConversationContext
  readonly #loader: Loader
  readonly #typingOut: TypingOut
  readonly #typists: Timers<string>
  readonly #timers: Timers<'linger' | 'patience' | 'retry' | 'read'>
  #state: ConversationState
  #status: ConversationSnapshot['status'] = 'idle'
  #reason: string | undefined
  #openers = 0
  /** Up to where the user has read here, and what of it the server was told. */
  #read = 0
  #toldRead = 0
  /** The head at the last join: up to there a replay may be under way. null: not joined on this connection. */
  #replayTo: number | null = null

  constructor(id: string, context: ConversationContext) {
    const state = emptyState(id, context.userId())
    super(snapshotOf(state, IDLE, null))
    this.id = id
    this.#context = context
    this.#timers = new Timers(context.platform)
    this.#state = state
    this.#loader = new Loader(context, this)
    this.#typists = new Timers(context.platform)
    this.#typingOut = new TypingOut(context.platform, (type) => {
      if (this.#status === 'live') context.connection.tell({ type, conversation_id: id })
    })
    this.#publish()
  }

  /** True if somebody has it open, or had until a moment ago. */
  get isWanted(): boolean {
    return this.#openers > 0 || this.#timers.has('linger')
  }

  /** True while it is joined or being joined and something may still be missing. */
  get isBehind(): boolean {
    return this.#status === 'joining'
  }

  open(): () => void {
    this.#openers += 1
    this.#timers.stop('linger')
    this.#context.joins.opened(this.id)
    let isOpen = true
    return () => {
      if (!isOpen) return
      isOpen = false
      this.#openers -= 1
      if (this.#openers === 0) this.#timers.set('linger', LINGER_MS, () => this.#leave())
    }
  }

  send(content: string, options: SendOptions = {}): string {
    const clientMessageId = this.#context.platform.uniqueId()
    this.#typingOut.forget()
    const { personaId } = options
    this.#context.sender.add({ clientMessageId, conversationId: this.id, content, ...given({ personaId }) })
    return clientMessageId
  }

  retry(clientMessageId: string): void {
    this.#context.sender.retry(this.id, clientMessageId)
  }

  discard(clientMessageId: string): void {
    this.#context.sender.discard(this.id, clientMessageId)
  }

  typing(): void {
    if (this.#status === 'live') this.#typingOut.key()
  }

  stopTyping(): void {
    this.#typingOut.stop()
  }

  loadOlder(): Promise<void> {
    return this.#loader.older()
  }

  markRead(seq = this.#state.seq): void {
    const upTo = Math.min(seq, this.#state.seq)
    this.#become(readUpTo(this.#state, upTo))
    this.#read = Math.max(this.#read, upTo)
    if (!this.#timers.has('read')) this.#timers.set('read', TELL_READ_MS, () => this.#tellRead())
  }

  async stopReply(runId: string): Promise<void> {
    await this.#context.connection.request({ type: 'stop_reply', run_id: runId })
  }

  async regenerateReply(messageId: string): Promise<void> {
    await this.#context.connection.request({ type: 'regenerate_reply', message_id: messageId })
  }

  async rename(title: string | null): Promise<void> {
    await this.#context.http.rename(this.id, title)
  }

  addMember(userId: string, role?: Role): Promise<void> {
    return this.#context.http.addMember(this.id, userId, role)
  }

  removeMember(userId: string): Promise<void> {
    return this.#context.http.removeMember(this.id, userId)
  }

  leave(): Promise<void> {
    return this.#context.http.removeMember(this.id, this.#context.userId())
  }

  delete(): Promise<void> {
    return this.#context.http.deleteConversation(this.id)
  }

  /** Join on the present connection, from where this is. */
  async join(): Promise<void> {
    if (!this.#context.connection.usable) return
    const { epoch, seq } = this.#state
    this.#timers.stop('retry')
    this.#replayTo = null
    this.#state = { ...this.#state, me: this.#context.userId() }
    this.#show('joining')
    try {
      const position = epoch === null ? {} : { after_seq: seq, epoch }
      await this.#context.connection.request({
        type: 'join_conversation',
        conversation_id: this.id,
        ...position,
      })
    } catch (thrown) {
      this.#notJoined(asChatError(thrown))
    }
  }

  /** There is no room for it on the connection. */
  refuse(reason: string): void {
    this.#show('failed', reason)
  }

  /** The connection is gone. */
  cutOff(): void {
    this.#typingOut.forget()
    this.#timers.stopAll()
    this.#replayTo = null
    if (this.#status === 'live') this.#show('joining')
  }

  /** Fold an event of this conversation, or one that concerns several. */
  received(event: ServerEvent): void {
    const before = this.#state
    const after = reduce(before, event)
    if (event.type === 'conversation_joined') this.#replayTo = event.seq
    this.#become(after)
    if (after.replies !== before.replies) this.#ask()
    switch (event.type) {
      case 'conversation_joined':
        this.#tellRead()
        if (!event.recovered || after.kind === null) void this.#loader.newest(!event.recovered)
        break
      case 'conversation_left':
        // The answer to one's own leaving may come after it was opened again, and means the time before.
        if (event.reason !== 'asked') this.#end('left', event.reason)
        break
      case 'typing_indicator':
        this.#forgetTypist(event.user_id)
        break
      case 'members_added':
        if (after !== before && after.memberCount <= LARGE) this.#loader.members()
        break
      case 'new_message':
        this.#settle(event)
        break
      default:
    }
    if (isDurable(event) && event.seq > after.seq + 1) void this.#loader.fill()
    else if (isMissing(after)) this.#bePatient()
  }

  get state(): ConversationState {
    return this.#state
  }

  /** Take what was loaded. */
  change(change: (state: ConversationState) => ConversationState): void {
    this.#become(change(this.#state))
  }

  loaded(events: readonly ServerEvent[]): void {
    for (const event of events) if (event.type === 'new_message') this.#settle(event)
  }

  /** What waits in the outbox has changed, or the user's name was learnt. */
  refresh(): void {
    if (this.#state.me === '') this.#state = { ...this.#state, me: this.#context.userId() }
    this.#publish()
  }

  #notJoined(error: ChatError): void {
    if (!this.isWanted || !this.#context.connection.usable) return
    if (error.temporary) this.#timers.set('retry', error.retryAfterMs ?? RETRY_MS, () => void this.join())
    else this.#end('failed', error.code)
  }

  #leave(): void {
    this.#tellRead()
    this.#timers.stopAll()
    this.#typingOut.stop()
    this.#context.connection.tell({ type: 'leave_conversation', conversation_id: this.id })
    this.#replayTo = null
    this.#state = trimmed(this.#state, KEPT_CLOSED)
    if (this.#status !== 'left') this.#show('idle')
    this.#context.joins.closed(this.id)
  }

  #end(status: 'left' | 'failed', reason: string): void {
    this.#replayTo = null
    this.#show(status, reason)
    this.#context.settled()
  }

  #become(state: ConversationState): void {
    if (state === this.#state) return
    this.#state = state.messages.length > KEPT_OPEN ? trimmed(state, KEPT_OPEN / 2) : state
    if (this.#replayTo === null || this.#status !== 'joining') this.#publish()
    else if (state.seq >= this.#replayTo) {
      this.#show('live')
      this.#context.settled()
    } else if (state.seq % SHOWN_EVERY === 0) this.#publish()
  }

  #show(status: ConversationSnapshot['status'], reason?: string): void {
    this.#status = status
    this.#reason = reason
    this.#publish()
  }

  #publish(): void {
    this.set(snapshotOf(this.#state, this.#around(), this.getSnapshot()))
  }

  #around(): Surroundings {
    return {
      status: this.#status,
      reason: this.#reason,
      loadingOlder: this.#loader.isLoading,
      historyError: this.#loader.error,
      waiting: this.#context.sender.waitingIn(this.id),
    }
  }

  /** What is in the log need not be sent again, nor be shown twice. */
  #settle({ message }: NewMessage): void {
    const { client_message_id: clientMessageId, sender_id: senderId } = message
    if (clientMessageId === undefined || senderId !== this.#context.userId()) return
    this.#context.sender.settle(this.id, clientMessageId)
  }

  #ask(): void {
    for (const ask of this.#state.replies.asks) {
      this.#context.connection.request(ask).catch((thrown: unknown) => {
        // Lost with the connection: the next join asks again. What the server does not know is over.
        if (asChatError(thrown).code !== 'run_not_found') return
        this.#become({ ...this.#state, replies: markOver(this.#state.replies, ask.run_id) })
      })
    }
  }

  #forgetTypist(userId: string): void {
    this.#typists.set(userId, FORGET_TYPING_MS, () => this.change((state) => stoppedTyping(state, userId)))
  }

  /** Something is missing that may be on its way. If nothing of it comes for a while, it was lost. */
  #bePatient(): void {
    if (this.#timers.has('patience')) return
    const { seq } = this.#state
    this.#timers.set('patience', PATIENCE_MS, () => {
      if (!isMissing(this.#state)) return
      if (this.#state.seq > seq) this.#bePatient()
      else void this.#loader.fill()
    })
  }

  /** Tell up to where the user has read, if that was not told yet; the next join tries again. */
  #tellRead(): void {
    const [seq, { connection }] = [this.#read, this.#context]
    if (seq <= this.#toldRead || !connection.usable) return
    this.#toldRead = seq
    connection.tell({ type: 'mark_read', conversation_id: this.id, seq })
  }
}
