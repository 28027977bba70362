/** A message that is not known to be stored by the server. */
export interface OutboxEntry {
  readonly clientMessageId: string
  readonly conversationId: string
  readonly content: string
  readonly personaId?: string
  /** RFC 3339. */
  readonly createdAt: string
  /** Entries of one conversation are sent in this order. */
  readonly order: number
  /** Why the server refused it for good; such an entry waits for the user. */
  readonly failed?: { readonly code: string; readonly message: string }
}

/**
 * Where messages wait until the server has acknowledged them.
 *
 * An owner is one user of one server; nobody ever sees another owner's entries. Two tabs may share one
 * outbox: both will send what they find, and the server stores it once, because it knows the
 * `clientMessageId`. A rejected promise loses nothing at once: the client goes on with what it has in
 * memory, which then does not survive a reload.
 */
export interface Outbox {
  /** All entries of an owner, in any order. */
  load(owner: string): Promise<readonly OutboxEntry[]>
  /** Add an entry, or replace the one with its `clientMessageId`. */
  put(owner: string, entry: OutboxEntry): Promise<void>
  /** Remove an entry; harmless if it is gone. */
  remove(owner: string, clientMessageId: string): Promise<void>
}

/** An outbox that lasts as long as the process. */
export function memoryOutbox(): Outbox {
  const entries = new Map<string, { owner: string; entry: OutboxEntry }>()
  return {
    load: async (owner) =>
      [...entries.values()].flatMap((kept) => (kept.owner === owner ? [kept.entry] : [])),
    put: async (owner, entry) => {
      entries.set(`${owner} ${entry.clientMessageId}`, { owner, entry })
    },
    remove: async (owner, clientMessageId) => {
      entries.delete(`${owner} ${clientMessageId}`)
    },
  }
}
