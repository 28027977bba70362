import { createValue, useValue } from '../lib/value.ts'

/** Where in the page somebody is. Every route is an address that can be kept, shared and reloaded. */
export type Route =
  | { readonly name: 'home' }
  | { readonly name: 'conversation'; readonly id: string }
  | { readonly name: 'personas' }
  | { readonly name: 'new-persona' }
  | { readonly name: 'persona'; readonly id: string }
  | { readonly name: 'admin' }

/** Read a path; one that is no route is home. */
export function parseRoute(path: string): Route {
  const [first, second, ...rest] = path.split('/').filter(Boolean)
  if (first === 'admin' && second === undefined) return { name: 'admin' }
  if (first === 'personas' && second === undefined) return { name: 'personas' }
  if (first === 'personas' && second === 'new') return { name: 'new-persona' }
  if (second === undefined) return { name: 'home' }
  const id = decoded([second, ...rest].join('/'))
  if (id === null) return { name: 'home' }
  if (first === 'c') return { name: 'conversation', id }
  return first === 'personas' ? { name: 'persona', id } : { name: 'home' }
}

export function pathOf(route: Route): string {
  switch (route.name) {
    case 'home':
      return '/'
    case 'conversation':
      return `/c/${encodeURIComponent(route.id)}`
    case 'personas':
      return '/personas'
    case 'new-persona':
      return '/personas/new'
    case 'persona':
      return `/personas/${encodeURIComponent(route.id)}`
    case 'admin':
      return '/admin'
    default:
      return route satisfies never
  }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

const current = createValue<Route>(parseRoute(window.location.pathname))

window.addEventListener('popstate', () => current.set(parseRoute(window.location.pathname)))

/** Go somewhere. The query (`?as=NAME`) belongs to the tab and stays. */
export function navigate(route: Route, how: 'push' | 'replace' = 'push'): void {
  const address = pathOf(route) + window.location.search
  if (how === 'push') window.history.pushState(null, '', address)
  else window.history.replaceState(null, '', address)
  current.set(route)
}

/** Be at a path of this page from now on, in place of the address so far and its query. */
export function goTo(path: string): void {
  window.history.replaceState(null, '', path)
  current.set(parseRoute(path))
}

export function useRoute(): Route {
  return useValue(current)
}
