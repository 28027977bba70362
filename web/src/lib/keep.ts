/**
 * Small texts kept in the browser. A browser may refuse storage (private windows, policies) or have no room
 * left: then nothing is kept and nothing fails.
 */
export function kept(storage: () => Storage, key: string): string | null {
  try {
    return storage().getItem(key)
  } catch {
    return null
  }
}

/** Keep a text, or forget it with null. */
export function keep(storage: () => Storage, key: string, text: string | null): void {
  try {
    if (text === null) storage().removeItem(key)
    else storage().setItem(key, text)
  } catch {
    // See above: the page works without it.
  }
}

export const local = (): Storage => window.localStorage
export const tab = (): Storage => window.sessionStorage
