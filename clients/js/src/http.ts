import type { Conversation, HttpApi } from './api.js'
import type { Tokens } from './connection/tokens.js'
import { asChatError, ChatError } from './errors.js'
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
    const isFile = body instanceof Blob
    const headers = given({
      Authorization: token && `Bearer ${token}`,
      'X-Gator-User': token ? undefined : this.#userHeader(),
      'Content-Type': isFile ? undefined : 'application/json',
    })
    const content = given({ body: isFile ? body : JSON.stringify(body) })
    const signal = AbortSignal.timeout(REQUEST_MS)
    try {
      return await this.#platform.fetch(this.#url + path + search(query), {
        method,
        headers,
        signal,
        ...content,
      })
    } catch (thrown) {
      throw signal.aborted ? new ChatError('timeout') : asChatError(thrown)
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
  throw new ChatError(code, problem.detail, answer.status, problem.retry_after_ms ?? undefined)
}

async function readJson(answer: Response): Promise<unknown> {
  try {
    return await answer.json()
  } catch {
    throw new ChatError('network', 'The answer is no JSON.', answer.status)
  }
}

function search(query: Query = {}): string {
  const said = Object.entries(given({ ...query })).map(([name, value]) => [name, String(value)])
  return said.length === 0 ? '' : `?${new URLSearchParams(said)}`
}

const at = encodeURIComponent

/** The user's conversations, a page at a time, the one with the newest message first. */
export function listConversations(http: Http, cursor?: string): Promise<ConversationPage> {
  return http.json('GET', '/conversations', { query: { cursor } })
}

/** The calls that applications use; see `HttpApi`. */
export function httpApi(http: Http, conversation: (id: string) => Conversation): HttpApi {
  const get = <T>(path: string, query?: Query) => http.json<T>('GET', path, given({ query }))
  const send = <T>(method: string, path: string, body?: unknown) => http.json<T>(method, path, { body })
  const of = (id: string, rest = '') => `/conversations/${at(id)}${rest}`
  const member = (id: string, userId: string) => of(id, `/members/${at(userId)}`)
  const persona = (id: string, rest = '') => `/personas/${at(id)}${rest}`
  return {
    me: () => get('/users/me'),
    user: (id) => get(`/users/${at(id)}`),
    conversation: (id) => get(of(id)),
    events: (id, after, limit) => get(of(id, '/events'), { after, limit }),
    members: (id, cursor) => get(of(id, '/members'), { cursor, limit: 200 }),
    addMember: (id, user_id, role) => send('POST', of(id, '/members'), { user_id, role }),
    removeMember: (id, userId) => send('DELETE', member(id, userId)),
    setRole: (id, userId, role) => send('PATCH', member(id, userId), { role }),
    rename: (id, title) => send('PATCH', of(id), { title }),
    deleteConversation: (id) => send('DELETE', of(id)),
    memory: {
      get: (id) => get(of(id, '/memory')),
      put: (id, memory) => send('PUT', of(id, '/memory'), memory),
    },
    personas: {
      list: (filter) => get('/personas', { ...filter }),
      get: (id) => get(persona(id)),
      create: (body) => send('POST', '/personas', body),
      update: (id, changes) => send('PATCH', persona(id), changes),
      remove: (id) => send('DELETE', persona(id)),
      importCard: (file) => send('POST', '/personas/import', file),
      exportCard: (id, format, spec) => http.file(`/api/v1${persona(id, '/card')}`, { format, spec }),
      avatar: (address) => http.file(address),
      setAvatar: (id, picture) => send('PUT', persona(id, '/avatar'), picture),
      removeAvatar: (id) => send('DELETE', persona(id, '/avatar')),
      begin: async (id) =>
        conversation((await send<ConversationOut>('POST', persona(id, '/conversations'))).id),
      budget: () => get('/personas/budget'),
    },
  }
}
