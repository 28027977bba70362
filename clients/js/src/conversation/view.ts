import { ChatError } from '../errors.js'
import { given } from '../given.js'
import type { Waiting } from '../outbox/sender.js'
import type { ConversationSnapshot, MessageItem } from '../snapshots.js'
import type { ConversationState } from './state.js'

/** What is shown of a conversation that its events do not tell. */
export interface Surroundings {
  readonly status: ConversationSnapshot['status']
  readonly reason: string | undefined
  readonly loadingOlder: boolean
  readonly historyError: ChatError | null
  readonly waiting: readonly Waiting[]
}

/** Put a snapshot together. Lists whose entries have not changed stay the same objects. */
export function snapshotOf(
  state: ConversationState,
  around: Surroundings,
  last: ConversationSnapshot | null,
): ConversationSnapshot {
  const { me: _, head: __, oldest, deleted: ___, replies, ...shown } = state
  const { waiting, reason, ...others } = around
  return {
    ...shown,
    ...others,
    ...given({ reason }),
    hasOlder: oldest > 1,
    messages: keep(last?.messages, [...state.messages, ...ownItems(state, waiting)]),
    replies: keep(last?.replies, [...replies.runs.values()]),
    replyEnds: replies.ends,
  }
}

/** One's own that are not in the log yet: first what is acknowledged, which has its place already. */
function ownItems(state: ConversationState, waiting: readonly Waiting[]): MessageItem[] {
  const shown = waiting.filter((entry) => entry.ack === undefined || entry.ack.seq > state.seq)
  const items = shown.map((entry) => ownItem(state.me, entry))
  return items.sort((one, other) => Number(one.seq === 0) - Number(other.seq === 0))
}

const items = new WeakMap<Waiting, MessageItem>()

function ownItem(me: string, entry: Waiting): MessageItem {
  const known = items.get(entry)
  if (known?.sender_id === me) return known
  const { clientMessageId, content, personaId, createdAt, failed, ack } = entry
  const item: MessageItem = {
    id: ack?.message_id ?? clientMessageId,
    seq: ack?.seq ?? 0,
    sender_id: me,
    sender: {},
    content,
    timestamp: ack?.timestamp ?? createdAt,
    is_ai: false,
    client_message_id: clientMessageId,
    state: failed !== undefined ? 'failed' : ack === undefined ? 'sending' : 'sent',
    ...given({ persona_id: personaId, error: failed && new ChatError(failed.code, failed.message) }),
  }
  items.set(entry, item)
  return item
}

function keep<T>(last: readonly T[] | undefined, now: readonly T[]): readonly T[] {
  if (last === undefined || last.length !== now.length) return now
  return now.every((entry, index) => Object.is(entry, last[index])) ? last : now
}
