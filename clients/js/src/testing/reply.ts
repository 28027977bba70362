import type { ResumeReply, ServerEvent } from '../generated/protocol.js'
import { given } from '../given.js'
import type { FakeServer } from './server.js'
import type { FakeSocket } from './socket.js'

export interface ReplyPlace {
  readonly conversationId: string
  readonly personaId: string
  /** The message that it answers. */
  readonly answers: string
  readonly attempt: number
}

/** A persona's reply that a test lets grow, piece by piece. */
export class FakeReply {
  readonly runId: string
  readonly messageId: string
  readonly place: ReplyPlace
  readonly #server: FakeServer
  #text = ''
  #epoch = 0
  #isOver = false

  constructor(server: FakeServer, place: ReplyPlace, runId: string, messageId: string) {
    this.#server = server
    this.place = place
    this.runId = runId
    this.messageId = messageId
  }

  get isOver(): boolean {
    return this.#isOver
  }

  queue(position: number): this {
    const { answers } = this.place
    return this.#tell({ ...this.#run(), type: 'reply_queued', answers, position })
  }

  start(): this {
    const { conversationId: conversation_id, personaId: persona_id } = this.place
    this.#tell({ type: 'persona_state', conversation_id, persona_id, state: 'thinking' })
    return this.#tell(this.#started())
  }

  say(text: string): this {
    const offset = [...this.#text].length
    this.#text += text
    return this.#tell(this.#delta(offset, text))
  }

  /** Take back what it said. */
  reset(): this {
    this.#text = ''
    this.#epoch += 1
    const { messageId: message_id } = this
    return this.#tell({
      ...this.#run(),
      type: 'reply_reset',
      message_id,
      epoch: this.#epoch,
      reason: 'moderated',
    })
  }

  /** End it: what it said becomes its message. */
  finish(status: 'complete' | 'stopped' | 'failed' | 'truncated' | 'interrupted' = 'complete'): void {
    this.#isOver = true
    if (this.#text === '') return
    const { conversationId, personaId, answers, attempt } = this.place
    this.#server.post(conversationId, {
      by: personaId,
      content: this.#text,
      extra: {
        id: this.messageId,
        is_ai: true,
        persona_id: personaId,
        reply: { run_id: this.runId, answers, attempt, status },
      },
    })
  }

  stop(by?: string): void {
    if (this.#isOver) return
    this.finish('stopped')
    const { answers } = this.place
    this.#tell({ ...this.#run(), type: 'reply_stopped', answers, ...given({ by }), ...this.#message() })
  }

  fail(code: 'provider_timeout' | 'provider_busy' | 'internal', retryable = true): void {
    this.finish('failed')
    const { answers } = this.place
    this.#tell({ ...this.#run(), type: 'reply_failed', answers, code, retryable, ...this.#message() })
  }

  reject(code: 'budget' | 'queue_full' | 'overloaded', retryAfterMs?: number): void {
    this.#isOver = true
    const { answers } = this.place
    const wait = given({ retry_after_ms: retryAfterMs })
    this.#tell({ ...this.#run(), type: 'reply_rejected', answers, code, ...wait })
  }

  /** What is said to somebody who joins in the middle. */
  catchUp(socket: FakeSocket): void {
    if (this.#isOver) return
    socket.tell(this.#server.stamped(this.#started()))
    socket.tell(this.#server.stamped(this.#delta(0, this.#text)))
  }

  resume(socket: FakeSocket, command: ResumeReply): void {
    if (this.#isOver) {
      const { answers, conversationId } = this.place
      const message = this.#server
        .log(conversationId)
        .events.find((event) => event.type === 'new_message' && event.message.id === this.messageId)
      socket.tell(message ?? this.#server.stamped({ ...this.#run(), type: 'reply_stopped', answers }))
      return
    }
    const offset = command.epoch === this.#epoch ? (command.offset ?? 0) : 0
    const rest = [...this.#text].slice(offset).join('')
    const answering = given({ reply_to: command.id })
    socket.tell(this.#server.stamped({ ...this.#delta(offset, rest), ...answering }))
  }

  #run() {
    return {
      conversation_id: this.place.conversationId,
      persona_id: this.place.personaId,
      run_id: this.runId,
    }
  }

  #message() {
    return this.#text === '' ? {} : { message_id: this.messageId }
  }

  #started() {
    const { answers, attempt } = this.place
    const [message_id, epoch, provider] = [this.messageId, this.#epoch, 'fake']
    return { ...this.#run(), type: 'reply_started', answers, message_id, epoch, attempt, provider } as const
  }

  #delta(offset: number, text: string) {
    const [message_id, epoch] = [this.messageId, this.#epoch]
    return { ...this.#run(), type: 'reply_delta', message_id, epoch, offset, text } as const
  }

  #tell(event: Untimed<ServerEvent>): this {
    this.#server.tellJoined(this.place.conversationId, this.#server.stamped(event))
    return this
  }
}

type Untimed<E> = E extends ServerEvent ? Omit<E, 'timestamp'> : never
