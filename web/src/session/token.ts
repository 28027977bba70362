import { keep, kept, tab } from '../lib/keep.ts'

const KEY = 'gator.token'

/**
 * Take a token out of the address (`#token=...`), where histories and screens would keep it, and keep it for
 * this tab alone.
 */
export function takeTokenFromAddress(): void {
  const fragment = new URLSearchParams(window.location.hash.slice(1))
  const token = fragment.get('token')
  if (token === null) return
  window.history.replaceState(null, '', window.location.pathname + window.location.search)
  keepToken(token)
}

export function keptToken(): string | null {
  return kept(tab, KEY)
}

export function keepToken(token: string | null): void {
  keep(tab, KEY, token?.trim() || null)
}

/** When a JWT ends, in milliseconds since the epoch; null if it does not say. Nothing is verified: the server does. */
export function endOf(token: string): number | null {
  const [, payload] = token.split('.')
  if (payload === undefined) return null
  try {
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
    if (typeof claims !== 'object' || claims === null || !('exp' in claims)) return null
    return typeof claims.exp === 'number' ? claims.exp * 1000 : null
  } catch {
    return null
  }
}
