import type {
  Budget,
  ConversationOut,
  EventPage,
  Me,
  MemberPage,
  MemoryOut,
  NewPersona,
  PersonaChanges,
  PersonaOut,
  PersonaPage,
  UserOut,
} from './generated/bodies.js'
import type { Outbox } from './outbox/outbox.js'
import type { Platform } from './platform.js'
import type {
  ConnectionSnapshot,
  ConversationListSnapshot,
  ConversationSnapshot,
  Kind,
  OutboxSnapshot,
  Role,
  UserPresence,
} from './snapshots.js'
import type { Store } from './store.js'

/** Gives a token (JWT); asked before each connection, before the present token ends, and for HTTP. */
export type TokenSource = string | (() => string | Promise<string>)

export interface ClientOptions {
  /** The server: `https://chat.example.org`. */
  readonly url: string
  /** Who one is, where the server believes everybody (open mode, for development). */
  readonly user?: string
  /** What proves who one is, everywhere else. */
  readonly token?: TokenSource
  /** Where messages wait to be sent. IndexedDB where there is one, else memory. */
  readonly outbox?: Outbox
  /** Parts of the platform to replace. */
  readonly platform?: Partial<Platform>
}

/** A user's side of one server. */
export interface ChatClient {
  readonly connection: Store<ConnectionSnapshot>
  readonly conversations: ConversationList
  /** Who is online, of those who were heard of, by user id. */
  readonly presence: Store<ReadonlyMap<string, UserPresence>>
  readonly outbox: Store<OutboxSnapshot>
  readonly http: HttpApi
  /** Connect, and stay connected until `close`. Harmless if it does so already. */
  connect(): void
  /** Connect now instead of after the wait. */
  reconnect(): void
  /** Disconnect. What waits in the outbox stays there, and `connect` takes everything up again. */
  close(): void
  /** One conversation; always the same object for the same id. */
  conversation(id: string): Conversation
  /** Create a conversation, or find the direct one that the two have. Rejects with `ChatError`. */
  createConversation(options: NewConversationOptions): Promise<Conversation>
}

export interface NewConversationOptions {
  readonly kind: Kind
  /** The others; exactly one for `direct`. */
  readonly memberIds: readonly string[]
  readonly title?: string
}

export interface ConversationList extends Store<ConversationListSnapshot> {
  /** Load the newest; from then on the list is kept up to date, after losses of the connection too. */
  load(): Promise<void>
  loadMore(): Promise<void>
}

/** One conversation: its state, and what can be done in it. */
export interface Conversation extends Store<ConversationSnapshot> {
  readonly id: string
  /**
   * Join it, and stay joined through all reconnects until the returned function is called as often as
   * `open` was.
   */
  open(): () => void
  /**
   * Say something. It is in `messages` at once and will be sent as soon as it can, after a reload of the
   * page too. Returns its `clientMessageId`.
   */
  send(content: string, options?: SendOptions): string
  /** Send a failed message once more. */
  retry(clientMessageId: string): void
  /** Give a failed message up. */
  discard(clientMessageId: string): void
  /** Call on each keystroke. The others are told now and every 3 s; it ends 4 s after the last one. */
  typing(): void
  stopTyping(): void
  /** Load earlier messages; never rejects, see `historyError`. */
  loadOlder(): Promise<void>
  /** Remember that the user has read up to `seq`; everything, if it is left out. Never moves back. */
  markRead(seq?: number): void
  /** End a reply; what it has said is kept. */
  stopReply(runId: string): Promise<void>
  /** Have a persona answer again: by the id of its reply, or of the message whose reply failed. */
  regenerateReply(messageId: string): Promise<void>
  rename(title: string | null): Promise<void>
  addMember(userId: string, role?: Role): Promise<void>
  removeMember(userId: string): Promise<void>
  /** Be no member any more. */
  leave(): Promise<void>
  /** Delete it for everybody. */
  delete(): Promise<void>
}

export interface SendOptions {
  /** The persona that is to answer. */
  readonly personaId?: string
}

/**
 * The calls below `/api/v1`. Bodies are those of the server, described at its `/docs`.
 * Each rejects with a `ChatError` and gives up after 20 s.
 */
export interface HttpApi {
  me(): Promise<Me>
  user(id: string): Promise<UserOut>
  conversation(id: string): Promise<ConversationOut>
  /** The log after a position, which has the messages and all else that happened. */
  events(conversationId: string, after: number, limit?: number): Promise<EventPage>
  members(conversationId: string, cursor?: string): Promise<MemberPage>
  addMember(conversationId: string, userId: string, role?: Role): Promise<void>
  removeMember(conversationId: string, userId: string): Promise<void>
  setRole(conversationId: string, userId: string, role: Role): Promise<void>
  rename(conversationId: string, title: string | null): Promise<ConversationOut>
  deleteConversation(conversationId: string): Promise<void>
  readonly memory: MemoryApi
  readonly personas: PersonasApi
}

/** What personas remember of a conversation. */
export interface MemoryApi {
  get(conversationId: string): Promise<MemoryOut>
  put(conversationId: string, memory: { summary: string; pins: string[] }): Promise<MemoryOut>
}

export interface PersonasApi {
  list(filter?: { mine?: boolean; query?: string; cursor?: string }): Promise<PersonaPage>
  get(id: string): Promise<PersonaOut>
  create(persona: NewPersona): Promise<PersonaOut>
  update(id: string, changes: PersonaChanges): Promise<PersonaOut>
  remove(id: string): Promise<void>
  /** Make a persona of a character card: JSON, PNG or CHARX. */
  importCard(file: Blob): Promise<PersonaOut>
  /** Its card as a file for other programs. */
  exportCard(id: string, format?: 'json' | 'png', spec?: 'v2' | 'v3'): Promise<Blob>
  /** A picture, by the address in `avatar`; a browser cannot send a token with `<img src>`. */
  avatar(address: string): Promise<Blob>
  setAvatar(id: string, picture: Blob): Promise<PersonaOut>
  removeAvatar(id: string): Promise<void>
  /** Begin a direct conversation with it, or find it. */
  begin(id: string): Promise<Conversation>
  /** What is left of one's own limits. */
  budget(): Promise<Budget>
}
