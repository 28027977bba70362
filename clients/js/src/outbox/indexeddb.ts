import { memoryOutbox, type Outbox, type OutboxEntry } from './outbox.js'

const STORE = 'entries'

/** IndexedDB where there is one, memory elsewhere. */
export function defaultOutbox(): Outbox {
  return typeof indexedDB === 'undefined' ? memoryOutbox() : indexedDbOutbox()
}

/**
 * An outbox that survives reloads and restarts, shared by all tabs of an origin.
 *
 * The database is open only while something is read or written: so nothing has to be done when a browser
 * closes it, and no other tab ever waits for this one.
 *
 * @param name - Of the database.
 */
export function indexedDbOutbox(name = 'gator-chat-outbox'): Outbox {
  const use = async <T>(
    mode: IDBTransactionMode,
    work: (store: IDBObjectStore) => IDBRequest<T>,
  ): Promise<T> => {
    const database = await open(name)
    try {
      return await result(work(database.transaction(STORE, mode).objectStore(STORE)))
    } finally {
      database.close()
    }
  }
  return {
    load: async (owner) => {
      const found = await use('readonly', (store) => store.index('owner').getAll(owner))
      return found.map(({ entry }: { entry: OutboxEntry }) => entry)
    },
    put: async (owner, entry) => {
      await use('readwrite', (store) => store.put({ owner, id: entry.clientMessageId, entry }))
    },
    remove: (owner, clientMessageId) => use('readwrite', (store) => store.delete([owner, clientMessageId])),
  }
}

function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1)
  request.onupgradeneeded = () => {
    request.result.createObjectStore(STORE, { keyPath: ['owner', 'id'] }).createIndex('owner', 'owner')
  }
  return result(request)
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
