import type { ChatClient, Message } from '@gator/chat'
import { useClient } from '@gator/chat/react'
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import { codeOf } from '../lib/errors.ts'

/** Somebody as the page shows them: a user or a persona. */
export interface Person {
  readonly id: string
  readonly name: string
  readonly picture: string | null
  readonly persona: boolean
}

const MAX_REQUESTS = 4

/** Names and faces by id, learnt from messages, and asked for where there are none. */
class Directory {
  readonly #client: ChatClient
  readonly #known = new Map<string, Person>()
  readonly #asked = new Set<string>()
  readonly #queue: string[] = []
  readonly #listeners = new Set<() => void>()
  #running = 0

  constructor(client: ChatClient) {
    this.#client = client
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  get(id: string): Person | undefined {
    return this.#known.get(id)
  }

  learn(person: Person): void {
    const known = this.#known.get(person.id)
    if (known && known.name === person.name && known.picture === person.picture) return
    this.#known.set(person.id, person)
    for (const listener of this.#listeners) listener()
  }

  /** Ask for somebody once. At most four requests are under way; the others wait in turn. */
  ask(id: string): void {
    if (this.#asked.has(id) || this.#known.has(id)) return
    this.#asked.add(id)
    this.#queue.push(id)
    void this.#work()
  }

  async #work(): Promise<void> {
    if (this.#running >= MAX_REQUESTS) return
    this.#running++
    for (let id = this.#queue.shift(); id !== undefined; id = this.#queue.shift()) {
      const person = await this.#find(id)
      if (person) this.learn(person)
    }
    this.#running--
  }

  async #find(id: string): Promise<Person | null> {
    try {
      const user = await this.#client.http.user(id)
      if (user.name !== null) return { id, name: user.name, picture: user.avatar, persona: false }
      return (await this.#findPersona(id)) ?? { id, name: id, picture: user.avatar, persona: false }
    } catch (error) {
      if (codeOf(error) === 'user_not_found') return this.#findPersona(id)
      this.#asked.delete(id)
      return null
    }
  }

  async #findPersona(id: string): Promise<Person | null> {
    // Ids that the server makes are UUIDs; nothing else can be a persona's.
    if (!/^[0-9a-f]{8}-/.test(id)) return null
    try {
      const persona = await this.#client.http.personas.get(id)
      return { id, name: persona.name, picture: persona.avatar, persona: true }
    } catch {
      return null
    }
  }
}

const directories = new WeakMap<ChatClient, Directory>()

function directoryOf(client: ChatClient): Directory {
  const found = directories.get(client) ?? new Directory(client)
  directories.set(client, found)
  return found
}

/** The author of a message, as the message itself shows them. */
export function authorOf(message: Message): Person {
  return {
    id: message.sender_id,
    name: message.sender.name ?? message.sender_id,
    picture: message.sender.avatar ?? null,
    persona: message.is_ai,
  }
}

/** Remember whom a person is, so that others need not ask. */
export function useLearn(): (person: Person) => void {
  const directory = directoryOf(useClient())
  return (person) => directory.learn(person)
}

/** Somebody by id; until they are known, and if they cannot be, the id stands for the name. */
export function usePerson(id: string): Person {
  const directory = directoryOf(useClient())
  useEffect(() => {
    if (id !== '') directory.ask(id)
  }, [directory, id])
  return useKnownPerson(id)
}

/** Somebody who may well be nobody, such as an id that was just typed: nobody is asked for them. */
export function useKnownPerson(id: string): Person {
  const directory = directoryOf(useClient())
  const person = useSyncExternalStore(directory.subscribe, () => directory.get(id))
  return useMemo(() => person ?? { id, name: id, picture: null, persona: false }, [person, id])
}

/** Several people at once; until one is known, the id stands for the name. */
export function usePeople(ids: readonly string[]): (id: string) => Person {
  const directory = directoryOf(useClient())
  const key = ids.join('\n')
  useSyncExternalStore(directory.subscribe, () =>
    ids.map((id) => Object.values(directory.get(id) ?? { id }).join(' ')).join('\n'),
  )
  useEffect(() => {
    for (const id of key.split('\n')) if (id !== '') directory.ask(id)
  }, [directory, key])
  return (id) => directory.get(id) ?? { id, name: id, picture: null, persona: false }
}

/** Words for ids, for texts about several people at once. */
export function useNames(ids: readonly string[]): (id: string) => string {
  const personOf = usePeople(ids)
  return (id) => personOf(id).name
}

/** What is known of names, without asking for more. */
export function usePeopleNames(): (id: string) => string {
  const directory = directoryOf(useClient())
  return (id) => directory.get(id)?.name ?? id
}
