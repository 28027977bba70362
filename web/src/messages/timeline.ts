import type { Discontinuity, MessageItem, ReplyEnd, ReplyItem, SystemItem } from '@gator/chat'

/** One line of what is shown of a conversation. Keys stay while what they name stays, also when a reply becomes a message. */
export type Row =
  | { readonly kind: 'day'; readonly key: string; readonly at: string }
  | { readonly kind: 'new'; readonly key: string }
  | { readonly kind: 'gap'; readonly key: string; readonly reason: Discontinuity['reason'] }
  | { readonly kind: 'event'; readonly key: string; readonly event: SystemItem }
  | { readonly kind: 'end'; readonly key: string; readonly end: ReplyEnd }
  | MessageRow
  | ReplyRow

interface InGroup {
  /** Whether it begins a run of messages of one author, and whether it ends one. */
  readonly first: boolean
  readonly last: boolean
}

export interface MessageRow extends InGroup {
  readonly kind: 'message'
  readonly key: string
  readonly message: MessageItem
}

/** What a persona says: all attempts at an answer, of which the newest may still be under way, or a greeting. */
export interface ReplyRow extends InGroup {
  readonly kind: 'reply'
  readonly key: string
  readonly personaId: string
  readonly attempts: readonly MessageItem[]
  readonly live: ReplyItem | null
}

export interface TimelineInput {
  readonly messages: readonly MessageItem[]
  readonly events: readonly SystemItem[]
  readonly replies: readonly ReplyItem[]
  readonly replyEnds: readonly ReplyEnd[]
  readonly discontinuity: Discontinuity | null
  readonly hasOlder: boolean
  /** The first message after this position that is not one's own gets the line "new messages"; null for none. */
  readonly newAfter: number | null
  readonly me: string
}

/** Messages of one author within this time stand together. */
export const GROUP_MS = 5 * 60_000

/** Lay out a conversation: what is shown, in which order, and what belongs together. */
export function timelineOf(input: TimelineInput): readonly Row[] {
  const attempts = attemptsOf(input.messages, input.replies)
  const rows = new Builder(input)
  const events = shownEvents(input)
  let nextEvent = 0
  for (const message of input.messages) {
    for (let event = events[nextEvent]; event && isBefore(event, message); event = events[++nextEvent]) {
      rows.addEvent(event)
    }
    rows.addMessage(message, attempts.get(replyKey(message)))
  }
  for (const event of events.slice(nextEvent)) rows.addEvent(event)
  for (const [key, { live, messages }] of attempts) if (live) rows.addReply(key, live, messages)
  return rows.done()
}

interface Attempts {
  readonly messages: MessageItem[]
  live: ReplyItem | null
}

/** All attempts at the same reply, oldest first, by the key of their row. */
function attemptsOf(messages: readonly MessageItem[], replies: readonly ReplyItem[]): Map<string, Attempts> {
  const found = new Map<string, Attempts>()
  for (const message of messages) {
    if (message.reply === undefined) continue
    const key = replyKey(message)
    const known = found.get(key)
    if (known) known.messages.push(message)
    else found.set(key, { messages: [message], live: null })
  }
  for (const { messages: each } of found.values()) each.sort((one, other) => attempt(one) - attempt(other))
  for (const live of replies) {
    const key = keyOf(live.answers ?? live.runId, live.personaId)
    const known = found.get(key)
    if (known) known.live = live
    else found.set(key, { messages: [], live })
  }
  return found
}

function attempt(message: MessageItem): number {
  return message.reply?.attempt ?? 1
}

function replyKey(message: MessageItem): string {
  return message.reply ? keyOf(message.reply.answers, message.sender_id) : ''
}

function keyOf(answers: string, personaId: string): string {
  return `reply ${personaId} ${answers}`
}

/** Events older than the oldest message that is here wait for it, so that nothing comes in above what is read. */
function shownEvents({ events, messages, hasOlder }: TimelineInput): readonly SystemItem[] {
  const oldest = messages.find((message) => message.seq > 0)?.seq
  return hasOlder && oldest !== undefined ? events.filter((event) => event.seq > oldest) : events
}

function isBefore(event: SystemItem, message: MessageItem): boolean {
  return message.seq === 0 || event.seq < message.seq
}

class Builder {
  readonly #input: TimelineInput
  readonly #rows: Row[] = []
  readonly #ends: ReadonlyMap<string, readonly ReplyEnd[]>
  #day = ''
  #lineDrawn = false
  readonly #lineAfter: number | null
  #gapDrawn = false
  /** The author and time of the row before, if that was something said. */
  #before: { readonly author: string; readonly at: number } | null = null

  constructor(input: TimelineInput) {
    this.#input = input
    this.#ends = endsByMessage(input)
    this.#lineAfter = lineAfter(input)
  }

  addMessage(message: MessageItem, attempts: Attempts | undefined): void {
    if (message.is_ai && message.reply === undefined) this.#addAttempts(message.id, [message])
    else if (attempts === undefined)
      this.#say(message, (group) => ({ kind: 'message', key: keyOfMessage(message), message, ...group }))
    else if (attempts.live === null && attempts.messages.at(-1) === message)
      this.#addAttempts(replyKey(message), attempts.messages)
    for (const end of this.#ends.get(message.id) ?? [])
      this.#interrupt({ kind: 'end', key: `end ${end.runId}`, end })
  }

  addReply(key: string, live: ReplyItem, attempts: readonly MessageItem[]): void {
    const group = { first: true, last: true }
    this.#before = null
    this.#rows.push({ kind: 'reply', key, personaId: live.personaId, attempts, live, ...group })
  }

  addEvent(event: SystemItem): void {
    this.#addMarks(event.seq, event.timestamp, false)
    this.#interrupt({ kind: 'event', key: `event ${event.seq}`, event })
  }

  done(): readonly Row[] {
    return this.#rows
  }

  #addAttempts(key: string, messages: readonly MessageItem[]): void {
    const newest = messages.at(-1)
    if (newest === undefined) return
    this.#say(newest, (group) => ({
      kind: 'reply',
      key,
      personaId: newest.sender_id,
      attempts: messages,
      live: null,
      ...group,
    }))
  }

  #say(message: MessageItem, row: (group: InGroup) => Row): void {
    const news = this.#addMarks(message.seq, message.timestamp, message.sender_id !== this.#input.me)
    const at = Date.parse(message.timestamp)
    const joins = !news && this.#before?.author === message.sender_id && at - this.#before.at < GROUP_MS
    if (joins) this.#continueGroup()
    this.#rows.push(row({ first: !joins, last: true }))
    this.#before = { author: message.sender_id, at }
  }

  #continueGroup(): void {
    const previous = this.#rows.at(-1)
    if (previous?.kind === 'message' || previous?.kind === 'reply') {
      this.#rows[this.#rows.length - 1] = { ...previous, last: false }
    }
  }

  #interrupt(row: Row): void {
    this.#rows.push(row)
    this.#before = null
  }

  /** Draw the lines that come before something said at `seq`; tells whether there were any. */
  #addMarks(seq: number, timestamp: string, ofOthers: boolean): boolean {
    const count = this.#rows.length
    const { discontinuity } = this.#input
    if (discontinuity && !this.#gapDrawn && (seq === 0 || seq >= discontinuity.atSeq)) {
      this.#gapDrawn = true
      this.#interrupt({ kind: 'gap', key: 'gap', reason: discontinuity.reason })
    }
    const day = new Date(timestamp).toDateString()
    // With older messages to come nobody knows yet where the first day begins; and a line at the very top would
    // stay there when they come, instead of what is read.
    const unknown = this.#day === '' && this.#input.hasOlder
    if (unknown) this.#day = day
    if (day !== this.#day) {
      this.#day = day
      this.#interrupt({ kind: 'day', key: `day ${day}`, at: timestamp })
    }
    if (ofOthers && !this.#lineDrawn && this.#lineAfter !== null && seq > this.#lineAfter) {
      this.#lineDrawn = true
      this.#interrupt({ kind: 'new', key: 'new' })
    }
    return this.#rows.length > count
  }
}

/** Where the line "new messages" belongs; null while that is further back than what is here. */
function lineAfter({ newAfter, messages, hasOlder }: TimelineInput): number | null {
  const oldest = messages[0]?.seq ?? 0
  return newAfter !== null && hasOlder && oldest > newAfter + 1 ? null : newAfter
}

/** A message of one's own keeps its key when it has been stored and got its real id. */
function keyOfMessage(message: MessageItem): string {
  return message.client_message_id ? `own ${message.sender_id} ${message.client_message_id}` : message.id
}

/**
 * The ends that have to be shown, by the message that was not answered. One that left a message is told there,
 * one that was followed by another attempt is over, and one that nobody brought about was merged into another.
 */
function endsByMessage({
  messages,
  replies,
  replyEnds,
}: TimelineInput): ReadonlyMap<string, readonly ReplyEnd[]> {
  const answered = new Set(replies.map((reply) => keyOf(reply.answers ?? reply.runId, reply.personaId)))
  for (const message of messages) if (message.reply) answered.add(replyKey(message))
  const shown = new Map<string, ReplyEnd>()
  for (const end of replyEnds) {
    const merged = end.how === 'stopped' && end.by === undefined
    if (end.messageId !== undefined || merged || answered.has(keyOf(end.answers, end.personaId))) continue
    shown.set(keyOf(end.answers, end.personaId), end)
  }
  return groupEnds([...shown.values()])
}

function groupEnds(ends: readonly ReplyEnd[]): ReadonlyMap<string, readonly ReplyEnd[]> {
  const grouped = new Map<string, ReplyEnd[]>()
  for (const end of ends) {
    const same = grouped.get(end.answers)
    if (same) same.push(end)
    else grouped.set(end.answers, [end])
  }
  return grouped
}
