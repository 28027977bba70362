import { camelCased } from '../camel.js'
import type {
  Message,
  ReplyDelta,
  ReplyFailed,
  ReplyQueued,
  ReplyRejected,
  ReplyReset,
  ReplyStarted,
  ReplyStopped,
  ResumeReply,
  ServerEvent,
} from '../generated/protocol.js'
import { given } from '../given.js'
import type { ReplyEnd, ReplyItem } from '../snapshots.js'

export type ReplyEvent =
  | ReplyQueued
  | ReplyStarted
  | ReplyDelta
  | ReplyReset
  | ReplyStopped
  | ReplyFailed
  | ReplyRejected

/** A run that is not over. `length` counts the text in Unicode code points, as the wire does. */
export interface Run extends ReplyItem {
  readonly epoch: number
  readonly length: number
  /** True while the answer to a `resume_reply` is awaited. */
  readonly asked: boolean
}

/** What is known of the replies in one conversation. */
export interface Replies {
  readonly runs: ReadonlyMap<string, Run>
  /** Runs that have ended, newest last: whatever is still said of them comes late. */
  readonly over: readonly string[]
  readonly ends: readonly ReplyEnd[]
  /** What has to be asked because of the event that came last. */
  readonly asks: readonly ResumeReply[]
}

export const NO_REPLIES: Replies = { runs: new Map(), over: [], ends: [], asks: [] }

// Far more than can be under way at once; an event that comes later than so many ends is none of a live run.
const MOST_OVER = 200
const MOST_ENDS = 20

/** True for whatever is said of a run in a conversation. */
export function isReplyEvent(event: ServerEvent): event is ReplyEvent {
  return event.type.startsWith('reply_')
}

/** Fold one event of a reply, as docs/protocol.md says in "What a client does". */
export function foldReply(replies: Replies, event: ReplyEvent): Replies {
  const quiet = replies.asks.length > 0 ? { ...replies, asks: [] } : replies
  const isOver = quiet.over.includes(event.run_id)
  switch (event.type) {
    case 'reply_queued':
      return isOver ? quiet : queued(quiet, event)
    case 'reply_started':
    case 'reply_reset':
      return isOver ? quiet : withRun(quiet, entered(quiet, event))
    case 'reply_delta':
      return isOver ? quiet : delta(quiet, event)
    case 'reply_stopped':
    case 'reply_failed':
    case 'reply_rejected':
      return ended(quiet, event)
    default:
      event satisfies never
      return quiet // Of a later version of the protocol.
  }
}

/** A run has become a message, which is its one sure end. */
export function foldReplyMessage(replies: Replies, message: Message): Replies {
  const { reply } = message
  if (reply === undefined) return replies
  const over = markOver(replies, reply.run_id)
  // What went wrong before is settled, unless it is the end of this very message.
  const isThis = (end: ReplyEnd) => end.messageId === message.id
  return {
    ...over,
    ends: over.ends.filter((end) => isThis(end) || !isOf(end, message.sender_id, reply.answers)),
  }
}

/** After joining anew, ask for the rest of every run that is not over. */
export function askAll(replies: Replies): Replies {
  const runs = [...replies.runs.values()].map((run) => ({ ...run, asked: true }))
  return { ...replies, runs: new Map(runs.map((run) => [run.runId, run])), asks: runs.map(askFor) }
}

/** Forget a run of which the server knows nothing. */
export function markOver(replies: Replies, runId: string): Replies {
  const runs = new Map(replies.runs)
  runs.delete(runId)
  const over = replies.over.includes(runId) ? replies.over : [...replies.over, runId].slice(-MOST_OVER)
  return { ...replies, runs, over, asks: [] }
}

function queued(replies: Replies, event: ReplyQueued): Replies {
  const known = replies.runs.get(event.run_id)
  if (known !== undefined && known.state !== 'queued') return replies
  const { persona_id: personaId, answers, position } = event
  const begun: Run = { ...begunBy(event, 0), answers, state: 'queued', position }
  return withRun(forgetEnds(replies, personaId, answers), begun)
}

/** The run with the event's epoch taken: begun, begun anew, or as it was if the event is older. */
function entered(replies: Replies, event: ReplyStarted | ReplyReset | ReplyDelta): Run {
  const known = replies.runs.get(event.run_id)
  if (known !== undefined && event.epoch < known.epoch) return known
  const { position: _, ...run } =
    known !== undefined && event.epoch === known.epoch ? known : { ...known, ...begunBy(event, event.epoch) }
  const named: Run = {
    ...run,
    answers: known?.answers ?? null,
    state: run.length > 0 ? 'streaming' : 'thinking',
    messageId: event.message_id,
  }
  if (event.type !== 'reply_started') return named
  const { answers, attempt, provider, model } = event
  return { ...named, answers, attempt, provider, ...given({ model }) }
}

function begunBy({ run_id: runId, persona_id: personaId }: ReplyEvent, epoch: number): Run {
  return { runId, personaId, answers: null, state: 'thinking', text: '', epoch, length: 0, asked: false }
}

function delta(replies: Replies, event: ReplyDelta): Replies {
  const run = entered(replies, event)
  if (event.epoch < run.epoch) return replies
  if (event.offset > run.length) {
    const asking: Run = { ...run, asked: true }
    return { ...withRun(replies, asking), asks: run.asked ? [] : [askFor(run)] }
  }
  const points = [...event.text]
  const news = points.slice(run.length - event.offset)
  const length = run.length + news.length
  const text = run.text + news.join('')
  return withRun(replies, {
    ...run,
    text,
    length,
    state: length > 0 ? 'streaming' : 'thinking',
    asked: false,
  })
}

function ended(replies: Replies, event: ReplyStopped | ReplyFailed | ReplyRejected): Replies {
  const over = markOver(replies, event.run_id)
  if (over.ends.some((end) => end.runId === event.run_id)) return over
  const { type, conversation_id: _, timestamp: __, ...told } = event
  const end: ReplyEnd = { how: type.slice('reply_'.length) as ReplyEnd['how'], ...camelCased(told) }
  return { ...over, ends: [...forgetEnds(over, end.personaId, event.answers).ends, end].slice(-MOST_ENDS) }
}

function withRun(replies: Replies, run: Run): Replies {
  const isNew = !replies.runs.has(run.runId)
  const base = isNew && run.answers !== null ? forgetEnds(replies, run.personaId, run.answers) : replies
  return { ...base, runs: new Map(base.runs).set(run.runId, run) }
}

/** A new run of a persona for the same message replaces what is said of how the last one ended. */
function forgetEnds(replies: Replies, personaId: string, answers: string): Replies {
  const ends = replies.ends.filter((end) => !isOf(end, personaId, answers))
  return ends.length === replies.ends.length ? replies : { ...replies, ends }
}

function isOf(end: ReplyEnd, personaId: string, answers: string | null): boolean {
  return end.personaId === personaId && end.answers === answers
}

function askFor(run: Run): ResumeReply {
  return { type: 'resume_reply', run_id: run.runId, epoch: run.epoch, offset: run.length }
}
