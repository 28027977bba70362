import type { Command, ServerEvent } from '../generated/protocol.js'
import type { WebSocketLike } from '../platform.js'

/** What a fake socket does with what is said on it. */
export interface SocketPeer {
  opened(socket: FakeSocket): void
  said(socket: FakeSocket, command: Command): void
  closed(socket: FakeSocket): void
}

/** A WebSocket whose other end is a fake server in the same process. */
export class FakeSocket implements WebSocketLike {
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: { code: number; reason: string }) => void) | null = null
  onerror: ((event: never) => void) | null = null
  readonly url: string
  readonly protocols: readonly string[]
  readonly joined = new Set<string>()
  userId = ''
  /** Nothing passes in either direction, and neither end is told. */
  isFrozen = false
  #peer: SocketPeer
  #isOver = false

  constructor(peer: SocketPeer, url: string, protocols: readonly string[] = []) {
    this.#peer = peer
    this.url = url
    this.protocols = protocols
    queueMicrotask(() => {
      if (!this.#isOver) peer.opened(this)
    })
  }

  /** Called by the client. */
  send(data: string): void {
    const command = JSON.parse(data) as Command
    queueMicrotask(() => {
      if (!this.#isOver && !this.isFrozen) this.#peer.said(this, command)
    })
  }

  /** Called by the client. */
  close(): void {
    this.end(1005)
  }

  /** Called by the server. */
  tell(event: ServerEvent): void {
    const data = JSON.stringify(event)
    queueMicrotask(() => {
      if (!this.#isOver && !this.isFrozen) this.onmessage?.({ data })
    })
  }

  /** The connection is over, for both ends, once what was said before has arrived. */
  end(code: number): void {
    queueMicrotask(() => {
      if (this.#isOver) return
      this.#isOver = true
      this.#peer.closed(this)
      if (!this.isFrozen) this.onclose?.({ code, reason: '' })
    })
  }
}
