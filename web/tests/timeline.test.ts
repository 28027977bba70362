// @vitest-environment node
import type { MessageItem, ReplyEnd, ReplyItem, SystemItem } from '@gator/chat'
import { describe, expect, it } from 'vitest'
import { GROUP_MS, type Row, type TimelineInput, timelineOf } from '../src/messages/timeline.ts'

const NOON = Date.parse('2026-03-04T12:00:00')

function message(seq: number, sender: string, more: Partial<MessageItem> = {}): MessageItem {
  return {
    id: `m${seq}`,
    seq,
    sender_id: sender,
    sender: {},
    content: `said ${seq}`,
    timestamp: new Date(NOON + seq * 1_000).toISOString(),
    is_ai: false,
    state: 'sent',
    ...more,
  }
}

function attempt(seq: number, answers: string, number: number): MessageItem {
  return message(seq, 'nia', { is_ai: true, reply: { run_id: `run${seq}`, answers, attempt: number } })
}

function live(answers: string, more: Partial<ReplyItem> = {}): ReplyItem {
  return { runId: 'live', personaId: 'nia', answers, state: 'streaming', text: 'So', ...more }
}

function end(answers: string, more: Partial<ReplyEnd> = {}): ReplyEnd {
  return { runId: `end of ${answers}`, personaId: 'nia', answers, how: 'failed', ...more }
}

function renamed(seq: number): SystemItem {
  return {
    type: 'conversation_renamed',
    conversation_id: 'c',
    seq,
    title: 'T',
    by: 'ada',
    timestamp: new Date(NOON + seq * 1_000).toISOString(),
  }
}

function rows(input: Partial<TimelineInput>): readonly Row[] {
  return timelineOf({
    messages: [],
    events: [],
    replies: [],
    replyEnds: [],
    discontinuity: null,
    hasOlder: false,
    newAfter: null,
    me: 'ada',
    ...input,
  })
}

const kinds = (all: readonly Row[]) => all.map((row) => row.kind)

describe('grouping', () => {
  it('joins what one author says within five minutes', () => {
    const all = rows({ messages: [message(1, 'bob'), message(2, 'bob'), message(3, 'cleo')] })
    const said = all.filter((row) => row.kind === 'message')
    expect(said.map(({ first, last }) => [first, last])).toEqual([
      [true, false],
      [false, true],
      [true, true],
    ])
  })

  it('begins anew after five minutes', () => {
    const later = new Date(NOON + 1_000 + GROUP_MS).toISOString()
    const all = rows({ messages: [message(1, 'bob'), message(2, 'bob', { timestamp: later })] })
    expect(all.filter((row) => row.kind === 'message').every(({ first, last }) => first && last)).toBe(true)
  })

  it('begins anew after a line', () => {
    const all = rows({ messages: [message(1, 'bob'), message(2, 'bob')], newAfter: 1 })
    expect(kinds(all)).toEqual(['day', 'message', 'new', 'message'])
    expect(all.at(-1)).toMatchObject({ first: true })
  })
})

describe('lines', () => {
  it('draws one for each day', () => {
    const next = new Date(NOON + 86_400_000).toISOString()
    expect(kinds(rows({ messages: [message(1, 'bob'), message(2, 'bob', { timestamp: next })] }))).toEqual([
      'day',
      'message',
      'day',
      'message',
    ])
  })

  it('draws none as long as the first new message is not here', () => {
    const input = { messages: [message(8, 'bob'), message(9, 'bob')], hasOlder: true }
    expect(kinds(rows({ ...input, newAfter: 3 }))).not.toContain('new')
    expect(kinds(rows({ ...input, newAfter: 7 }))).toContain('new')
    expect(kinds(rows({ ...input, newAfter: 3, hasOlder: false }))).toContain('new')
  })

  it('draws none for news of one’s own', () => {
    expect(kinds(rows({ messages: [message(1, 'ada'), message(2, 'ada')], newAfter: 1 }))).not.toContain(
      'new',
    )
  })

  it('says where continuity was lost', () => {
    const all = rows({
      messages: [message(1, 'bob'), message(9, 'bob')],
      discontinuity: { reason: 'too_far_behind', atSeq: 8 },
    })
    expect(kinds(all)).toEqual(['day', 'message', 'gap', 'message'])
  })

  it('puts events between the messages, by seq', () => {
    const all = rows({ messages: [message(1, 'bob'), message(3, 'bob')], events: [renamed(2), renamed(4)] })
    expect(kinds(all)).toEqual(['day', 'message', 'event', 'message', 'event'])
  })

  it('keeps back events that are older than the messages that are here', () => {
    const all = rows({ messages: [message(5, 'bob')], events: [renamed(2)], hasOlder: true })
    expect(kinds(all)).toEqual(['message'])
  })

  it('leaves the first day without its line while older messages may belong to it', () => {
    expect(kinds(rows({ messages: [message(5, 'bob')], hasOlder: true }))).toEqual(['message'])
    expect(kinds(rows({ messages: [message(5, 'bob')], hasOlder: false }))).toEqual(['day', 'message'])
  })
})

describe('one’s own message', () => {
  it('keeps its key when it is stored', () => {
    const waiting = message(0, 'ada', { id: 'abc', client_message_id: 'abc', state: 'sending' })
    const stored = message(7, 'ada', { client_message_id: 'abc' })
    expect(rows({ messages: [waiting] }).at(-1)?.key).toBe(rows({ messages: [stored] }).at(-1)?.key)
  })
})

describe('a reply', () => {
  const question = message(1, 'ada')

  it('keeps its key when it has become a message', () => {
    const growing = rows({ messages: [question], replies: [live('m1')] }).at(-1)
    const stored = rows({ messages: [question, attempt(2, 'm1', 1)] }).at(-1)
    expect(growing?.kind).toBe('reply')
    expect(growing?.key).toBe(stored?.key)
  })

  it('that answers nothing, a greeting, is written like the others', () => {
    const all = rows({ messages: [message(1, 'nia', { is_ai: true })] })
    expect(all.at(-1)).toMatchObject({ kind: 'reply', attempts: [{ seq: 1 }], live: null })
  })

  it('is one row for all its attempts, where the newest is', () => {
    const all = rows({ messages: [question, attempt(2, 'm1', 1), message(3, 'bob'), attempt(4, 'm1', 2)] })
    expect(kinds(all)).toEqual(['day', 'message', 'message', 'reply'])
    expect(all.at(-1)).toMatchObject({ attempts: [{ seq: 2 }, { seq: 4 }] })
  })

  it('has its attempts in their order, whatever that of the log', () => {
    const all = rows({ messages: [question, attempt(2, 'm1', 2), attempt(3, 'm1', 1)] })
    expect(all.at(-1)).toMatchObject({ attempts: [{ seq: 3 }, { seq: 2 }] })
    expect(all.filter((row) => row.kind === 'reply')).toHaveLength(1)
  })

  it('under way takes its former attempts with it to the end', () => {
    const all = rows({ messages: [question, attempt(2, 'm1', 1), message(3, 'bob')], replies: [live('m1')] })
    expect(kinds(all)).toEqual(['day', 'message', 'message', 'reply'])
    expect(all.at(-1)).toMatchObject({ attempts: [{ seq: 2 }], live: { runId: 'live' } })
  })

  it('stands after what one has just sent', () => {
    const waiting = message(0, 'ada', { id: 'w', client_message_id: 'w', state: 'sending' })
    expect(kinds(rows({ messages: [question, waiting], replies: [live('m1')] })).at(-1)).toBe('reply')
  })

  it.each([
    ['failed', end('m1'), true],
    ['was stopped by somebody', end('m1', { how: 'stopped', by: 'bob' }), true],
    ['was merged into another', end('m1', { how: 'stopped' }), false],
    ['left a message', end('m1', { messageId: 'm2' }), false],
  ])('that %s: its end is shown: %#', (_how, ended, shown) => {
    expect(kinds(rows({ messages: [question], replyEnds: [ended] })).includes('end')).toBe(shown)
  })

  it('that is made anew hides how the last attempt ended', () => {
    expect(
      kinds(rows({ messages: [question], replyEnds: [end('m1')], replies: [live('m1')] })),
    ).not.toContain('end')
    expect(kinds(rows({ messages: [question, attempt(2, 'm1', 2)], replyEnds: [end('m1')] }))).not.toContain(
      'end',
    )
  })
})

it('gives every row a key of its own, in a long conversation and in time', () => {
  const messages = Array.from({ length: 10_000 }, (_, at) => message(at + 1, at % 7 < 4 ? 'bob' : 'cleo'))
  const begun = performance.now()
  const all = rows({ messages, events: [renamed(50), renamed(9_000)], newAfter: 9_990 })
  expect(performance.now() - begun).toBeLessThan(500)
  expect(new Set(all.map((row) => row.key)).size).toBe(all.length)
})
