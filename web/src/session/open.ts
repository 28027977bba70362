import { keep, kept, local, tab } from '../lib/keep.ts'

const KEY = 'gator.name'

/**
 * Who somebody is in open mode: the name in the address (`?as=NAME`), which counts for this tab from then on, or
 * the one given on an earlier visit.
 */
export function keptName(): string | null {
  const asked = new URLSearchParams(window.location.search).get('as')?.trim()
  if (asked) {
    keep(tab, KEY, asked)
    return asked
  }
  return kept(tab, KEY) ?? kept(local, KEY)
}

/** Remember a name for this visit and later ones; null forgets it, and takes `as` out of the address. */
export function keepName(name: string | null): void {
  keep(tab, KEY, name)
  keep(local, KEY, name)
  const query = new URLSearchParams(window.location.search)
  if (!query.has('as')) return
  query.delete('as')
  window.history.replaceState(null, '', window.location.pathname + (query.size > 0 ? `?${query}` : ''))
}

/** Whether a text can be a user's id: 1 to 128 characters, none of them a control character. */
export function isUserId(text: string): boolean {
  const length = [...text].length
  return length >= 1 && length <= 128 && !/\p{Cc}/u.test(text)
}
