import * as oauth from 'oauth4webapi'
import { goTo } from '../app/routes.ts'
import { keep, kept, tab } from '../lib/keep.ts'
import type { OidcConfig } from './config.ts'

/*
 * Logging in with an OpenID provider: authorisation code with PKCE (RFC 7636), `state` against forged answers
 * and `nonce` against replayed ones. The page is a public client and holds no secret.
 */

const LOGIN_KEY = 'gator.login'
const REFRESH_KEY = 'gator.refresh'

interface PendingLogin {
  readonly verifier: string
  readonly state: string
  readonly nonce: string
  /** Where in the page somebody wanted to go. */
  readonly path: string
}

export interface Tokens {
  readonly token: string
  readonly refreshToken: string | null
}

/** Send the browser to the provider. */
export async function beginLogin(config: OidcConfig): Promise<void> {
  const provider = await discover(config)
  if (provider.authorization_endpoint === undefined) throw new Error('The provider names no place to log in.')
  const login: PendingLogin = {
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    path: window.location.pathname,
  }
  keep(tab, LOGIN_KEY, JSON.stringify(login))
  const address = new URL(provider.authorization_endpoint)
  const parameters = {
    client_id: config.client_id,
    redirect_uri: redirectUri(),
    response_type: 'code',
    scope: config.scope,
    code_challenge: await oauth.calculatePKCECodeChallenge(login.verifier),
    code_challenge_method: 'S256',
    state: login.state,
    nonce: login.nonce,
  }
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value)
  window.location.assign(address)
}

/** Whether the browser comes back from the provider. */
export function isReturning(): boolean {
  const query = new URLSearchParams(window.location.search)
  return query.has('state') && (query.has('code') || query.has('error'))
}

/** Take what the provider sent, and give the tokens for it. The address is cleaned whatever comes of it. */
export async function finishLogin(config: OidcConfig): Promise<Tokens> {
  const address = new URL(window.location.href)
  const login = takePendingLogin()
  goTo(login?.path ?? '/')
  if (login === null) throw new Error('This tab did not begin that login.')
  const provider = await discover(config)
  const client = { client_id: config.client_id }
  const answer = oauth.validateAuthResponse(provider, client, address, login.state)
  const response = await oauth.authorizationCodeGrantRequest(
    provider,
    client,
    oauth.None(),
    answer,
    redirectUri(),
    login.verifier,
    options(config),
  )
  const result = await oauth.processAuthorizationCodeResponse(provider, client, response, {
    expectedNonce: login.nonce,
    requireIdToken: true,
  })
  return keepRefreshToken(result)
}

/** Fetch a fresh token without asking anybody; null if the provider gave no means to. */
export async function renew(config: OidcConfig): Promise<Tokens | null> {
  const refreshToken = kept(tab, REFRESH_KEY)
  if (refreshToken === null) return null
  const provider = await discover(config)
  const client = { client_id: config.client_id }
  const response = await oauth.refreshTokenGrantRequest(
    provider,
    client,
    oauth.None(),
    refreshToken,
    options(config),
  )
  return keepRefreshToken(await oauth.processRefreshTokenResponse(provider, client, response))
}

export function forgetLogin(): void {
  keep(tab, REFRESH_KEY, null)
  keep(tab, LOGIN_KEY, null)
}

function keepRefreshToken(result: oauth.TokenEndpointResponse): Tokens {
  if (result.refresh_token !== undefined) keep(tab, REFRESH_KEY, result.refresh_token)
  // The id token is the one that is meant for this page; an access token is for some other audience, or opaque.
  const { id_token: token } = result
  if (token === undefined) throw new Error('The provider gave no id token.')
  return { token, refreshToken: result.refresh_token ?? null }
}

async function discover(config: OidcConfig): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(config.issuer)
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options(config)))
}

/** A provider on this machine, for trying things out, speaks plain HTTP; no other may. */
function options(config: OidcConfig) {
  const { hostname } = new URL(config.issuer)
  const loopback = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
  return { [oauth.allowInsecureRequests]: loopback, signal: () => AbortSignal.timeout(15_000) }
}

function redirectUri(): string {
  return `${window.location.origin}/`
}

function takePendingLogin(): PendingLogin | null {
  const text = kept(tab, LOGIN_KEY)
  keep(tab, LOGIN_KEY, null)
  if (text === null) return null
  try {
    return JSON.parse(text) as PendingLogin
  } catch {
    return null
  }
}
