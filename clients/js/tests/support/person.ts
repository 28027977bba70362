import type { Command, ServerEvent } from '../../src/generated/protocol.js'
import type { Platform, WebSocketLike } from '../../src/platform.js'

const PATIENCE_MS = 10_000

export interface Stage {
  readonly url: string
  readonly platform: Pick<Platform, 'WebSocket' | 'fetch'>
}

type Event<T extends ServerEvent['type']> = Extract<ServerEvent, { type: T }>

/** Somebody who speaks the bare protocol: says commands, hears events, asks over HTTP. */
export class Person {
  readonly id: string
  readonly heard: ServerEvent[] = []
  readonly #stage: Stage
  readonly #socket: WebSocketLike
  #waiting: (() => void)[] = []
  #lastId = 0
  closedWith: number | null = null

  constructor(stage: Stage, id: string) {
    this.id = id
    this.#stage = stage
    const address = `${stage.url.replace(/^http/, 'ws')}/ws/${encodeURIComponent(id)}`
    this.#socket = new stage.platform.WebSocket(address)
    this.#socket.onmessage = ({ data }) => {
      this.heard.push(JSON.parse(String(data)) as ServerEvent)
      this.#wake()
    }
    this.#socket.onclose = ({ code }) => {
      this.closedWith = code
      this.#wake()
    }
    this.#socket.onerror = () => {}
  }

  static async connect(stage: Stage, id: string): Promise<Person> {
    const person = new Person(stage, id)
    await person.hears('online_users')
    return person
  }

  tell(command: Command): void {
    this.#socket.send(JSON.stringify(command))
  }

  /** Say a command and await what answers it. */
  async ask(command: Command): Promise<ServerEvent> {
    this.#lastId += 1
    const id = `${this.id}-${this.#lastId}`
    this.tell({ ...command, id })
    return this.#find((event) => 'reply_to' in event && event.reply_to === id)
  }

  async joins(conversationId: string, position: { after_seq?: number; epoch?: string } = {}) {
    const answer = await this.ask({ type: 'join_conversation', conversation_id: conversationId, ...position })
    if (answer.type !== 'conversation_joined') throw new Error(JSON.stringify(answer))
    return answer
  }

  async says(conversationId: string, content: string, clientMessageId?: string) {
    const own = clientMessageId === undefined ? {} : { client_message_id: clientMessageId }
    return this.ask({ type: 'send_message', conversation_id: conversationId, content, ...own })
  }

  /** Await an event, which may have come already. */
  hears<T extends ServerEvent['type']>(
    type: T,
    matches: (event: Event<T>) => boolean = () => true,
  ): Promise<Event<T>> {
    const isIt = (event: ServerEvent): event is Event<T> => event.type === type && matches(event as Event<T>)
    return this.#find(isIt) as Promise<Event<T>>
  }

  /** Everything that was heard of a type, once all that was said before has been answered. */
  async all<T extends ServerEvent['type']>(type: T): Promise<Event<T>[]> {
    await this.ask({ type: 'heartbeat' })
    return this.heard.filter((event): event is Event<T> => event.type === type)
  }

  async closed(): Promise<number> {
    return this.#until(() => this.closedWith)
  }

  async http(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const headers = { 'X-Gator-User': this.id, 'Content-Type': 'application/json' }
    const content = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await this.#stage.platform.fetch(`${this.#stage.url}/api/v1${path}`, {
      method,
      headers,
      ...content,
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) }
  }

  leaves(): void {
    this.#socket.close()
  }

  #find(matches: (event: ServerEvent) => boolean): Promise<ServerEvent> {
    return this.#until(() => this.heard.find(matches) ?? null)
  }

  async #until<T>(look: () => T | null): Promise<T> {
    const giveUp = AbortSignal.timeout(PATIENCE_MS)
    for (;;) {
      const found = look()
      if (found !== null) return found
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push(resolve)
        giveUp.addEventListener('abort', () =>
          reject(new Error(`${this.id} waited in vain: ${JSON.stringify(this.heard.slice(-5))}`)),
        )
      })
    }
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
