import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { reduce } from '../src/conversation/reducer.js'
import { type ConversationState, emptyState } from '../src/conversation/state.js'
import type { ServerEvent } from '../src/generated/protocol.js'

const FOLDER = new URL('../../../tests/vectors/', import.meta.url)

interface Vector {
  about: string
  user_id: string
  conversation_id: string
  events: ServerEvent[]
  expected: Record<string, unknown>
}

const vectors = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => [name, JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Vector] as const)

test('there are vectors', () => {
  expect(vectors.length).toBeGreaterThan(30)
})

test.each(vectors)('%s is folded as expected', (_name, vector) => {
  const { state, asks } = folded(vector)
  const known = { ...view(state), asks }
  expect(known).toMatchObject(vector.expected)
  // `toMatchObject` lets an object have more: of these two nothing may be left over.
  if ('runs' in vector.expected)
    expect(Object.keys(known.runs)).toEqual(Object.keys(vector.expected.runs as object))
  if ('members' in vector.expected) expect(known.members).toEqual(vector.expected.members)
})

test.each(vectors)('%s changes nothing when it is folded once more', (_name, vector) => {
  const { state } = folded(vector)
  const known = view(state)
  const again = vector.events
    .filter((event) => 'seq' in event && event.type !== 'conversation_joined')
    .filter((event) => (event as { seq: number }).seq <= state.seq)
    .reduce(reduce, state)
  expect(view(again)).toEqual(known)
})

function folded(vector: Vector) {
  let state = emptyState(vector.conversation_id, vector.user_id)
  const asks: unknown[] = []
  for (const [index, event] of vector.events.entries()) {
    const before = state
    state = reduce(state, event)
    if (state.replies === before.replies) continue
    for (const { type: _, ...ask } of state.replies.asks) asks.push({ after_event: index + 1, ...ask })
  }
  return { state, asks }
}

/** The state in the words of the vectors. */
function view(state: ConversationState) {
  const { replies } = state
  return {
    seq: state.seq,
    head: state.head,
    epoch: state.epoch,
    kind: state.kind,
    title: state.title,
    deleted: state.deleted,
    member_count: state.memberCount,
    members: Object.fromEntries([...state.members].map(([id, member]) => [id, member.role])),
    role: state.role,
    messages: state.messages.map(({ seq, id, content }) => ({ seq, id, content })),
    discontinuity: state.discontinuity && {
      reason: state.discontinuity.reason,
      at_seq: state.discontinuity.atSeq,
    },
    read_seq: state.readSeq,
    unread: state.unread,
    runs: Object.fromEntries(
      [...replies.runs].map(([id, { state, epoch, text, position }]) => [
        id,
        { state, epoch, text, position },
      ]),
    ),
    over: replies.over,
    ends: replies.ends.map(({ runId, how, code }) => ({ run_id: runId, how, code })),
  }
}
