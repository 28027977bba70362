import type { ServerEvent } from './generated/protocol.js'
import type { UserPresence } from './snapshots.js'
import { Cell } from './store.js'

/** Who is online, of those who were heard of. */
export class Presence {
  readonly snapshot = new Cell<ReadonlyMap<string, UserPresence>>(new Map())

  /** The first frame names all who are online; whoever it does not name is not, as far as one may know. */
  welcomed(online: readonly string[]): void {
    const all = new Map<string, UserPresence>()
    for (const [id, { lastSeen }] of this.snapshot.getSnapshot()) all.set(id, { online: false, lastSeen })
    for (const id of online) all.set(id, { online: true, lastSeen: null })
    this.snapshot.set(all)
  }

  received(event: ServerEvent): void {
    if (event.type === 'presence_update') {
      this.#learn([[event.user_id, event.online, event.online ? null : event.timestamp]])
    } else if (event.type === 'online_users') {
      const statuses = Object.entries(event.statuses ?? {})
      this.#learn(statuses.map(([id, status]) => [id, status.online, status.last_seen]))
    } else if (event.type === 'conversation_joined') {
      this.#learn(event.online.map((id) => [id, true, null]))
    }
  }

  /** Take what HTTP says of users. */
  learned(users: readonly { user_id: string; online: boolean; last_seen: string | null }[]): void {
    this.#learn(users.map(({ user_id: id, online, last_seen: lastSeen }) => [id, online, lastSeen]))
  }

  #learn(news: readonly (readonly [id: string, online: boolean, lastSeen: string | null])[]): void {
    const all = new Map(this.snapshot.getSnapshot())
    for (const [id, online, lastSeen] of news) {
      const known = all.get(id)
      if (known?.online !== online || known.lastSeen !== lastSeen) all.set(id, { online, lastSeen })
    }
    if (news.length > 0) this.snapshot.set(all)
  }
}
