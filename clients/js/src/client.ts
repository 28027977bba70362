import type { ChatClient, ClientOptions, Conversation, HttpApi, NewConversationOptions } from './api.js'
import { Connection, type Welcome } from './connection/connection.js'
import { Tokens } from './connection/tokens.js'
import type { ConversationContext } from './conversation/context.js'
import { LiveConversation } from './conversation/conversation.js'
import { LiveList } from './conversations.js'
import { ChatError } from './errors.js'
import type { ConversationOut } from './generated/bodies.js'
import type { Ack, ServerEvent } from './generated/protocol.js'
import { given } from './given.js'
import { Http, httpApi, listConversations } from './http.js'
import { Joins } from './joins.js'
import { defaultOutbox } from './outbox/indexeddb.js'
import type { OutboxEntry } from './outbox/outbox.js'
import { Sender } from './outbox/sender.js'
import { type Platform, platformWith } from './platform.js'
import { Presence } from './presence.js'
import type { ConversationListSnapshot } from './snapshots.js'

const JOINED_LIMIT = 1_000

/** Make a client. It says nothing to the server before `connect()`. */
export function createClient(options: ClientOptions): ChatClient {
  return new Client(options)
}

/** Puts the parts together, and hands each of them what comes. */
class Client implements ChatClient {
  readonly connection: ChatClient['connection']
  readonly conversations: LiveList
  readonly presence: ChatClient['presence']
  readonly outbox: ChatClient['outbox']
  readonly http: HttpApi
  readonly #url: string
  readonly #platform: Platform
  readonly #tokens: Tokens | null
  readonly #user: string | undefined
  readonly #link: Connection
  readonly #rest: Http
  readonly #sender: Sender
  readonly #presence: Presence
  readonly #joins: Joins
  readonly #conversations = new Map<string, LiveConversation>()

  constructor({ url, user, token, outbox, platform }: ClientOptions) {
    if (user === undefined && token === undefined)
      throw new TypeError('createClient needs a user or a token.')
    this.#url = new URL(url).origin
    this.#user = user
    this.#platform = platformWith(platform)
    this.#tokens = token === undefined ? null : new Tokens(token, this.#platform)
    this.#rest = new Http(this.#url, this.#platform, this.#tokens, user)
    this.http = httpApi(this.#rest, (id) => this.conversation(id))
    this.#link = new Connection(this.#address(), this.#platform, this.#tokens, {
      welcomed: (first) => this.#welcomed(first),
      received: (event) => this.#received(event),
      ended: () => this.#ended(),
    })
    this.#sender = new Sender(
      outbox ?? defaultOutbox(),
      this.#platform,
      (entry) => this.#transmit(entry),
      (id) => this.#conversations.get(id)?.refresh(),
    )
    this.#presence = new Presence((command) => this.#link.tell(command))
    this.#joins = new Joins((id) => this.#live(id))
    this.conversations = new LiveList({
      page: (cursor) => listConversations(this.#rest, cursor),
      one: (id) => this.http.conversation(id),
      userId: () => this.#userId(),
    })
    this.conversations.subscribe(() => this.#presence.watch(peersOf(this.conversations.getSnapshot())))
    this.connection = this.#link.snapshot
    this.presence = this.#presence.snapshot
    this.outbox = this.#sender.snapshot
  }

  connect(): void {
    this.#adopt()
    this.#link.connect()
  }

  reconnect(): void {
    this.connect()
  }

  close(): void {
    this.#link.close()
  }

  conversation(id: string): Conversation {
    return this.#live(id)
  }

  async createConversation({ kind, memberIds, title }: NewConversationOptions): Promise<Conversation> {
    const body = { kind, member_ids: memberIds, ...given({ title }) }
    const { id } = await this.#rest.json<ConversationOut>('POST', '/conversations', { body })
    if (this.conversations.getSnapshot().status === 'ready') await this.conversations.refresh(id)
    return this.conversation(id)
  }

  #live(id: string): LiveConversation {
    const found = this.#conversations.get(id) ?? new LiveConversation(id, this.#context())
    this.#conversations.set(id, found)
    return found
  }

  #context(): ConversationContext {
    return {
      platform: this.#platform,
      connection: this.#link,
      http: this.http,
      sender: this.#sender,
      userId: () => this.#userId(),
      joins: this.#joins,
      presence: this.#presence,
      settled: () => this.#settle(),
    }
  }

  #welcomed(first: Welcome): void {
    this.#presence.welcomed(first.users)
    this.#adopt()
    this.#joins.connected(first.limits?.max_joined_conversations ?? JOINED_LIMIT)
    this.#sender.connected()
    this.conversations.welcomed()
    this.#settle()
  }

  #received(event: ServerEvent): void {
    this.#presence.received(event)
    if (isAnswerAboutAnother(event)) return
    this.conversations.received(event)
    if ('conversation_id' in event) {
      if (this.#joins.has(event.conversation_id)) this.#live(event.conversation_id).received(event)
      else if (event.type === 'read_marked') this.#conversations.get(event.conversation_id)?.received(event)
    } else if (event.type === 'heartbeat' || event.type === 'presence_update') {
      for (const conversation of this.#joins.all()) conversation.received(event)
    }
  }

  #ended(): void {
    this.#adopt()
    this.#sender.disconnected()
    this.#joins.disconnected()
  }

  #settle(): void {
    if (this.#joins.areSettled) this.#link.caughtUp()
  }

  async #transmit(entry: OutboxEntry): Promise<Ack> {
    const { conversationId: conversation_id, clientMessageId: client_message_id, content, personaId } = entry
    const answer = await this.#link.request({
      type: 'send_message',
      conversation_id,
      content,
      client_message_id,
      ...given({ persona_id: personaId }),
    })
    if (answer.type === 'ack') return answer
    throw new ChatError('internal', answer.type)
  }

  /** Take up what waits for this user, as soon as it is known who that is. */
  #adopt(): void {
    const userId = this.#userId()
    if (userId === '') return
    void this.#sender.adopt(`${this.#url} ${userId}`)
    for (const conversation of this.#conversations.values()) conversation.refresh()
  }

  #userId(): string {
    return this.#user ?? this.#link.snapshot.getSnapshot().userId ?? this.#tokens?.subject ?? ''
  }

  #address(): string {
    const place = this.#tokens === null ? encodeURIComponent(this.#user ?? '') : 'auth'
    return `${this.#url.replace(/^http/, 'ws')}/ws/${place}`
  }
}

function peersOf({ items }: ConversationListSnapshot): string[] {
  return items.flatMap(({ peerId }) => (peerId === null ? [] : [peerId]))
}

/** A direct conversation that was there already is described at its head, which is no event of its log. */
function isAnswerAboutAnother(event: ServerEvent): boolean {
  return event.type === 'conversation_created' && event.reply_to !== undefined
}
