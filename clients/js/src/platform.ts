/** What of a WebSocket is used; the browser's, Node's and the package `ws` all have it. */
export interface WebSocketLike {
  onopen: ((event: never) => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number; reason: string }) => void) | null
  onerror: ((event: never) => void) | null
  send(data: string): void
  close(code?: number, reason?: string): void
}

export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike

/** Why the world thinks that the connection should be looked at. */
export type WakeReason = 'online' | 'visible' | 'restored'

/** All that the client asks of its surroundings. Every part can be replaced, in tests above all. */
export interface Platform {
  readonly WebSocket: WebSocketConstructor
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>
  /** Milliseconds since 1970. */
  now(): number
  setTimeout(callback: () => void, ms: number): unknown
  clearTimeout(timer: unknown): void
  /** A number in [0, 1). */
  random(): number
  /** A text that nobody else makes, of at most 128 characters. */
  uniqueId(): string
  /** Call `listener` when the network is back or the page is looked at again; returns how to stop. */
  onWake(listener: (reason: WakeReason) => void): () => void
}

/** The platform that this runs on, with some parts replaced. */
export function platformWith(parts: Partial<Platform> = {}): Platform {
  return {
    WebSocket: parts.WebSocket ?? globalWebSocket(),
    fetch: (url, init) => fetch(url, init),
    now: () => Date.now(),
    setTimeout: (callback, ms) => setTimeout(callback, ms),
    clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
    random: () => Math.random(),
    uniqueId,
    onWake,
    ...parts,
  }
}

function globalWebSocket(): WebSocketConstructor {
  const found = (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket
  if (found !== undefined) return found
  throw new Error('No WebSocket: hand in platform.WebSocket.')
}

/** `crypto.randomUUID` exists on secure origins only, and a chat on the home network is on none. */
function uniqueId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const WAKE_REASONS: Readonly<Record<string, WakeReason>> = {
  online: 'online',
  visibilitychange: 'visible',
  pageshow: 'restored',
}

function onWake(listener: (reason: WakeReason) => void): () => void {
  if (typeof document === 'undefined') return () => {}
  const wake = ({ type }: Event) => {
    const reason = WAKE_REASONS[type]
    // A page that is hidden now has not been looked at again; its network may be back all the same.
    if (reason !== undefined && (!document.hidden || reason === 'online')) listener(reason)
  }
  for (const type in WAKE_REASONS) addEventListener(type, wake)
  return () => {
    for (const type in WAKE_REASONS) removeEventListener(type, wake)
  }
}
