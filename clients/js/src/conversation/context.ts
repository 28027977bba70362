import type { HttpApi } from '../api.js'
import type { Connection } from '../connection/connection.js'
import type { Joins } from '../joins.js'
import type { Sender } from '../outbox/sender.js'
import type { Platform } from '../platform.js'
import type { Presence } from '../presence.js'

/** What a conversation needs of the client that it belongs to. */
export interface ConversationContext {
  readonly platform: Platform
  readonly connection: Connection
  readonly http: HttpApi
  readonly sender: Sender
  /** The user; empty for as long as nobody knows. */
  userId(): string
  readonly joins: Joins
  readonly presence: Presence
  /** It has caught up with what it missed, or cannot. */
  settled(): void
}
