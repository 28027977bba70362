import { type ChatClient, createClient } from '@gator/chat'
import { createValue } from '../lib/value.ts'
import { loadConfig, type OidcConfig, type ServerConfig } from './config.ts'
import { keepName, keptName } from './open.ts'
import { endOf, keepToken, keptToken, takeTokenFromAddress } from './token.ts'

/** Whether somebody is in, and if not, what is to be done about it. */
export type Session =
  | { readonly state: 'loading' }
  | { readonly state: 'unreachable'; readonly error: unknown }
  | { readonly state: 'outside'; readonly config: ServerConfig; readonly error?: unknown }
  | {
      readonly state: 'inside'
      readonly config: ServerConfig
      readonly client: ChatClient
      readonly proof: Proof
    }

/** Gives what proves to the server, over HTTP, who is asking. */
type Proof = () => Promise<Record<string, string>>

export const session = createValue<Session>({ state: 'loading' })

/** A token this close to its end is replaced before it is used. */
const RENEW_BEFORE_MS = 60_000

/** Find out how people come in here, and come in if that needs no asking. */
export async function begin(): Promise<void> {
  // At once, before anything is drawn or asked: an address is seen and kept by many.
  takeTokenFromAddress()
  session.set({ state: 'loading' })
  try {
    const config = await loadConfig()
    if (config.auth === 'open') enterIfNamed(config)
    else await enterIfTrusted(config)
  } catch (error) {
    session.set({ state: 'unreachable', error })
  }
}

function enterIfNamed(config: ServerConfig): void {
  const name = keptName()
  if (name === null) session.set({ state: 'outside', config })
  else enterUnder(config, name)
}

function enterUnder(config: ServerConfig, name: string): void {
  const client = createClient({ url: window.location.origin, user: name })
  enter(config, client, async () => ({ 'X-Gator-User': headerText(name) }))
}

async function enterIfTrusted(config: ServerConfig): Promise<void> {
  try {
    await finishReturn(config.oidc)
  } catch (error) {
    session.set({ state: 'outside', config, error })
    return
  }
  const token = keptToken()
  if (token === null || isOver(token)) session.set({ state: 'outside', config })
  else enterTrusted(config)
}

function enterTrusted(config: ServerConfig): void {
  const token = () => freshToken(config)
  const client = createClient({ url: window.location.origin, token })
  enter(config, client, async () => ({ Authorization: `Bearer ${await token()}` }))
}

async function finishReturn(oidc: OidcConfig | null): Promise<void> {
  if (oidc === null) return
  const { finishLogin, isReturning } = await import('./oidc.ts')
  if (isReturning()) keepToken((await finishLogin(oidc)).token)
}

/** Come in under a name, in open mode. */
export function enterAs(config: ServerConfig, name: string): void {
  keepName(name)
  enterUnder(config, name)
}

/** Come in with a token that was given by hand. */
export function enterWith(config: ServerConfig, token: string): void {
  keepToken(token)
  enterTrusted(config)
}

export async function logIn(oidc: OidcConfig): Promise<void> {
  const { beginLogin } = await import('./oidc.ts')
  await beginLogin(oidc)
}

function enter(config: ServerConfig, client: ChatClient, proof: Proof): void {
  client.connect()
  session.set({ state: 'inside', config, client, proof })
}

/**
 * Ask the server for something that is no business of a chat client.
 *
 * @throws an Error with the `code` of the refusal.
 */
export async function getJson<T>(path: string): Promise<T> {
  const now = session.get()
  const headers = now.state === 'inside' ? await now.proof() : {}
  const response = await fetch(path, { headers, cache: 'no-store', signal: AbortSignal.timeout(10_000) })
  if (response.ok) return (await response.json()) as T
  const problem: unknown = await response.json().catch(() => null)
  throw Object.assign(new Error(`${path}: ${response.status}`), problem)
}

/** Go out: the connection ends, and this browser forgets who was here. */
export async function goOut(error?: unknown): Promise<void> {
  const now = session.get()
  if (now.state !== 'inside') return
  now.client.close()
  keepName(null)
  keepToken(null)
  if (now.config.oidc !== null) (await import('./oidc.ts')).forgetLogin()
  session.set({ state: 'outside', config: now.config, ...(error === undefined ? {} : { error }) })
}

/** The token for the next connection or request; asks the provider for another one when it is about to end. */
async function freshToken(config: ServerConfig): Promise<string> {
  const token = keptToken()
  if (token !== null && !isOver(token, RENEW_BEFORE_MS)) return token
  const renewed = config.oidc === null ? null : await renewOnce(config.oidc)
  if (renewed !== null) return renewed
  if (token !== null && !isOver(token)) return token
  const ended = Object.assign(new Error('The token has ended.'), { code: 'invalid_token' })
  void goOut(ended)
  throw ended
}

/** A text as a header carries it: fetch writes each character as a byte, and the server reads UTF-8. */
function headerText(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text))
}

let renewing: Promise<string | null> | null = null

/** Providers take each refresh token once, so whoever asks meanwhile shares the answer. */
function renewOnce(oidc: OidcConfig): Promise<string | null> {
  renewing ??= renewAndKeep(oidc).finally(() => {
    renewing = null
  })
  return renewing
}

async function renewAndKeep(oidc: OidcConfig): Promise<string | null> {
  const { renew } = await import('./oidc.ts')
  const tokens = await renew(oidc)
  if (tokens !== null) keepToken(tokens.token)
  return tokens?.token ?? null
}

function isOver(token: string, earlierMs = 0): boolean {
  const end = endOf(token)
  return end !== null && end - earlierMs <= Date.now()
}
