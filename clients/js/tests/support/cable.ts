import { connect, createServer, type Server, type Socket } from 'node:net'

/** A piece of network between a client and a server, which can be cut or go silent. */
export class Cable {
  readonly #target: number
  readonly #server: Server
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #isDown = false
  port = 0

  private constructor(target: number) {
    this.#target = target
    this.#server = createServer((near) => this.#accept(near))
  }

  static async to(target: number): Promise<Cable> {
    const cable = new Cable(target)
    await new Promise<void>((resolve) => cable.#server.listen(0, '127.0.0.1', resolve))
    const address = cable.#server.address()
    cable.port = address !== null && typeof address === 'object' ? address.port : 0
    return cable
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** How many connections run through it. */
  get connections(): number {
    return this.#pairs.size
  }

  /** Reset every connection, as a router does that has lost its memory. */
  cut(): void {
    for (const [near, far] of this.#pairs) {
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
  }

  /** Refuse new connections and reset the present ones, until `mend`. */
  unplug(): void {
    this.#isDown = true
    this.cut()
  }

  mend(): void {
    this.#isDown = false
  }

  /** Let nothing through on the present connections, and tell neither end. */
  freeze(): void {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far)
      far.unpipe(near)
      near.pause()
      far.pause()
    }
  }

  async remove(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(near: Socket): void {
    if (this.#isDown) {
      near.resetAndDestroy()
      return
    }
    const far = connect(this.#target, '127.0.0.1')
    const pair = [near, far] as const
    this.#pairs.add(pair)
    near.pipe(far).pipe(near)
    for (const socket of pair) {
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#pairs.delete(pair)
        near.destroy()
        far.destroy()
      })
    }
  }
}
