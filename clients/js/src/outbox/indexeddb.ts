import { memoryOutbox, type Outbox, type OutboxEntry } from './outbox.js'

const STORE = 'entries'

/** IndexedDB where there is one; memory elsewhere, and where a browser forbids it. */
export function defaultOutbox(): Outbox {
  return typeof indexedDB === 'undefined' ? memoryOutbox() : indexedDbOutbox()
}

/**
 * An outbox that survives reloads and restarts, shared by all tabs of an origin.
 *
 * @param name - Of the database.
 */
export function indexedDbOutbox(name = 'gator-chat-outbox'): Outbox {
  let opened: Promise<IDBDatabase> | null = null
  const database = () => {
    opened ??= open(name, () => {
      opened = null
    })
    return opened
  }
  const store = async (mode: IDBTransactionMode) =>
    (await database()).transaction(STORE, mode).objectStore(STORE)
  return {
    load: async (owner) => {
      const found = await result((await store('readonly')).index('owner').getAll(owner))
      return found.map(({ entry }: { entry: OutboxEntry }) => entry)
    },
    put: async (owner, entry) => {
      await result((await store('readwrite')).put({ owner, id: entry.clientMessageId, entry }))
    },
    remove: async (owner, clientMessageId) => {
      await result((await store('readwrite')).delete([owner, clientMessageId]))
    },
  }
}

async function open(name: string, closed: () => void): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1)
  request.onupgradeneeded = () => {
    request.result.createObjectStore(STORE, { keyPath: ['owner', 'id'] }).createIndex('owner', 'owner')
  }
  try {
    const database = await result(request)
    // A newer version of the page, in another tab, must not wait for this one.
    database.onversionchange = () => {
      database.close()
      closed()
    }
    database.onclose = closed
    return database
  } catch (error) {
    closed()
    throw error
  }
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
