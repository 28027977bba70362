import type { HttpApi } from '../api.js'
import type { Connection } from '../connection/connection.js'
import type { MemberOut } from '../generated/bodies.js'
import type { Sender } from '../outbox/sender.js'
import type { Platform } from '../platform.js'

/** What a conversation needs of the client that it belongs to. */
export interface ConversationContext {
  readonly platform: Platform
  readonly connection: Connection
  readonly http: HttpApi
  readonly sender: Sender
  /** The user; empty for as long as nobody knows. */
  userId(): string
  /** Somebody opened it: join it if there is room. */
  opened(id: string): void
  /** Nobody has it open any more. */
  closed(id: string): void
  /** It has caught up with what it missed, or cannot. */
  settled(): void
  /** Names and presence of members were loaded. */
  learned(members: readonly MemberOut[]): void
}
