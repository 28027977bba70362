import type { Conversation, HttpApi } from './api.js'
import type { Tokens } from './connection/tokens.js'
import { ChatError } from './errors.js'
import type { ConversationOut, ConversationPage, Problem } from './generated/bodies.js'
import { given } from './given.js'
import type { Platform } from './platform.js'

const REQUEST_MS = 20_000

type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** What is said to `Http.call`, beside method and path. */
interface Call {
  readonly query?: Query
  /** Sent as JSON, or as it is if it is a file. */
  readonly body?: unknown
}

/** Speaks HTTP with the server: who asks, what went wrong, and for how long to wait. */
export class Http {
  readonly #url: string
  readonly #platform: Platform
  readonly #tokens: Tokens | null
  readonly #user: string | undefined

  constructor(url: string, platform: Platform, tokens: Tokens | null, user: string | undefined) {
    this.#url = url
    this.#platform = platform
    this.#tokens = tokens
    this.#user = user
  }

  /** Make a request that answers with JSON, or with nothing. Rejects with `ChatError`. */
  async json<T>(method: string, path: string, call: Call = {}): Promise<T> {
    const answer = await this.#answer(method, `/api/v1${path}`, call)
    return (answer.status === 204 ? undefined : await readJson(answer)) as T
  }

  /** Make a request that answers with a file. */
  async file(address: string, query: Query = {}): Promise<Blob> {
    return (await this.#answer('GET', address, { query })).blob()
  }

  async #answer(method: string, path: string, call: Call): Promise<Response> {
    const answer = await this.#fetch(method, path, call, await this.#tokens?.current())
    // The token may have ended on the way, or have been revoked: one other is worth a try.
    if (answer.status !== 401 || !this.#tokens?.renewable) return checked(answer)
    return checked(await this.#fetch(method, path, call, await this.#tokens.fresh()))
  }

  async #fetch(
    method: string,
    path: string,
    { query, body }: Call,
    token: string | undefined,
  ): Promise<Response> {
    const aborting = new AbortController()
    const timer = this.#platform.setTimeout(() => aborting.abort(), REQUEST_MS)
    const isFile = body instanceof Blob
    const headers = {
      ...given({
        Authorization: token && `Bearer ${token}`,
        'X-Gator-User': token ? undefined : this.#userHeader(),
      }),
      ...(body === undefined || isFile ? {} : { 'Content-Type': 'application/json' }),
    }
    const content = body === undefined ? {} : { body: isFile ? body : JSON.stringify(body) }
    try {
      const { signal } = aborting
      return await this.#platform.fetch(this.#url + path + search(query), {
        method,
        headers,
        signal,
        ...content,
      })
    } catch (thrown) {
      if (aborting.signal.aborted) throw new ChatError('timeout', `No answer within ${REQUEST_MS / 1000} s.`)
      throw new ChatError('network', thrown instanceof Error ? thrown.message : String(thrown))
    } finally {
      this.#platform.clearTimeout(timer)
    }
  }

  /** `fetch` takes a header's characters for bytes, and the server reads those as UTF-8. */
  #userHeader(): string | undefined {
    if (this.#user === undefined) return undefined
    return Array.from(new TextEncoder().encode(this.#user), (byte) => String.fromCharCode(byte)).join('')
  }
}

async function checked(answer: Response): Promise<Response> {
  if (answer.ok) return answer
  const problem: Partial<Problem> = await answer.json().catch(() => ({}))
  const code = problem.code ?? (answer.status >= 500 ? 'network' : 'internal')
  const message = problem.detail ?? `The server answered ${answer.status}.`
  throw new ChatError(code, message, answer.status, problem.retry_after_ms ?? undefined)
}

async function readJson(answer: Response): Promise<unknown> {
  try {
    return await answer.json()
  } catch {
    throw new ChatError(
      'network',
      'The answer is no JSON: is this the address of a chat server?',
      answer.status,
    )
  }
}

function search(query: Query = {}): string {
  const said = Object.entries(query).filter(([, value]) => value !== undefined)
  return said.length === 0
    ? ''
    : `?${new URLSearchParams(said.map(([name, value]) => [name, String(value)]))}`
}

const at = encodeURIComponent

/** The user's conversations, a page at a time, the one with the newest message first. */
export function listConversations(http: Http, cursor?: string): Promise<ConversationPage> {
  return http.json('GET', '/conversations', { query: { cursor } })
}

/** The calls that applications use; see `HttpApi`. */
export function httpApi(http: Http, conversation: (id: string) => Conversation): HttpApi {
  return {
    me: () => http.json('GET', '/users/me'),
    user: (id) => http.json('GET', `/users/${at(id)}`),
    conversation: (id) => http.json('GET', `/conversations/${at(id)}`),
    messages: (id, range) => http.json('GET', `/conversations/${at(id)}/messages`, { query: { ...range } }),
    events: (id, after, limit) =>
      http.json('GET', `/conversations/${at(id)}/events`, { query: { after, limit } }),
    members: (id, cursor) =>
      http.json('GET', `/conversations/${at(id)}/members`, { query: { cursor, limit: 200 } }),
    addMember: (id, user_id, role) =>
      http.json('POST', `/conversations/${at(id)}/members`, { body: { user_id, ...given({ role }) } }),
    removeMember: (id, userId) => http.json('DELETE', `/conversations/${at(id)}/members/${at(userId)}`),
    setRole: (id, userId, role) =>
      http.json('PATCH', `/conversations/${at(id)}/members/${at(userId)}`, { body: { role } }),
    rename: (id, title) => http.json('PATCH', `/conversations/${at(id)}`, { body: { title } }),
    deleteConversation: (id) => http.json('DELETE', `/conversations/${at(id)}`),
    memory: {
      get: (id) => http.json('GET', `/conversations/${at(id)}/memory`),
      put: (id, body) => http.json('PUT', `/conversations/${at(id)}/memory`, { body }),
    },
    personas: personasApi(http, conversation),
  }
}

function personasApi(http: Http, conversation: (id: string) => Conversation): HttpApi['personas'] {
  return {
    list: (filter) => http.json('GET', '/personas', { query: { ...filter } }),
    get: (id) => http.json('GET', `/personas/${at(id)}`),
    create: (body) => http.json('POST', '/personas', { body }),
    update: (id, body) => http.json('PATCH', `/personas/${at(id)}`, { body }),
    remove: (id) => http.json('DELETE', `/personas/${at(id)}`),
    importCard: (body) => http.json('POST', '/personas/import', { body }),
    exportCard: (id, format, spec) => http.file(`/api/v1/personas/${at(id)}/card`, { format, spec }),
    avatar: (address) => http.file(address),
    setAvatar: (id, body) => http.json('PUT', `/personas/${at(id)}/avatar`, { body }),
    removeAvatar: (id) => http.json('DELETE', `/personas/${at(id)}/avatar`),
    begin: async (id) => {
      const found = await http.json<ConversationOut>('POST', `/personas/${at(id)}/conversations`)
      return conversation(found.id)
    },
    budget: () => http.json('GET', '/personas/budget'),
  }
}
