import type { Command, ServerEvent } from './generated/protocol.js'
import type { UserPresence } from './snapshots.js'
import { Cell } from './store.js'

// As many ids as one `get_online_status` may name.
const MOST_ASKED = 200

/**
 * Who is online, of those who were heard of.
 *
 * The server tells of those with whom a joined conversation is shared. Of others, such as the peers in the
 * list of conversations, it is asked: with every new connection, and at each of its heartbeats.
 */
export class Presence {
  readonly snapshot = new Cell<ReadonlyMap<string, UserPresence>>(new Map())
  readonly #tell: (command: Command) => void
  #watched: readonly string[] = []

  constructor(tell: (command: Command) => void) {
    this.#tell = tell
  }

  /** Ask for these from now on, at most 200 of them; those who are new at once. */
  watch(userIds: readonly string[]): void {
    const before = new Set(this.#watched)
    this.#watched = userIds.slice(0, MOST_ASKED)
    this.#ask(this.#watched.filter((id) => !before.has(id)))
  }

  /** There is a new connection: what was heard on the last one may be over. */
  welcomed(online: readonly string[]): void {
    this.snapshot.set(new Map(online.map((id) => [id, { online: true, lastSeen: null }])))
    this.#ask(this.#watched)
  }

  #ask(userIds: readonly string[]): void {
    if (userIds.length > 0) this.#tell({ type: 'get_online_status', user_ids: [...userIds] })
  }

  received(event: ServerEvent): void {
    if (event.type === 'presence_update') {
      this.#learn([[event.user_id, event.online, event.online ? null : event.timestamp]])
    } else if (event.type === 'online_users') {
      const statuses = Object.entries(event.statuses ?? {})
      this.#learn(statuses.map(([id, status]) => [id, status.online, status.last_seen]))
    } else if (event.type === 'conversation_joined') {
      this.#learn(event.online.map((id) => [id, true, null]))
    } else if (event.type === 'heartbeat' && event.reply_to === undefined) this.#ask(this.#watched)
  }

  /** Take what HTTP says of users. */
  learned(users: readonly { user_id: string; online: boolean; last_seen: string | null }[]): void {
    this.#learn(users.map(({ user_id: id, online, last_seen: lastSeen }) => [id, online, lastSeen]))
  }

  #learn(news: readonly (readonly [id: string, online: boolean, lastSeen: string | null])[]): void {
    const all = new Map(this.snapshot.getSnapshot())
    let hasChanged = false
    for (const [id, online, lastSeen] of news) {
      const known = all.get(id)
      if (known?.online === online && known.lastSeen === lastSeen) continue
      all.set(id, { online, lastSeen })
      hasChanged = true
    }
    if (hasChanged) this.snapshot.set(all)
  }
}
