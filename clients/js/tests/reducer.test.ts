import { expect, test } from 'vitest'
import { reduce } from '../src/conversation/reducer.js'
import { emptyState } from '../src/conversation/state.js'
import type { ServerEvent } from '../src/index.js'

const timestamp = '2025-01-15T10:30:00.000Z'
const base = { conversation_id: 'tea', timestamp }

test('an event of the log that is newer than this client takes its place, and leaves no hole', () => {
  const joined = {
    ...base,
    type: 'conversation_joined',
    seq: 2,
    epoch: 'e',
    recovered: false,
    role: 'member',
  }
  const unknown = { ...base, type: 'message_pinned', seq: 3, by: 'bob' }
  const renamed = { ...base, type: 'conversation_renamed', seq: 4, title: 'Tea', by: 'bob' }
  const events = [{ ...joined, member_count: 2, online: [], online_count: 0 }, unknown, renamed]
  const state = (events as unknown as ServerEvent[]).reduce(reduce, emptyState('tea', 'ada'))
  expect(state).toMatchObject({ seq: 4, head: 4, title: 'Tea' })
  expect(state.events.map((event) => event.type)).toEqual(['conversation_renamed'])
})

test('what changes nothing gives the same object back', () => {
  const state = emptyState('tea', 'ada')
  const events: ServerEvent[] = [
    { ...base, type: 'typing_indicator', user_id: 'bob', is_typing: false },
    { ...base, type: 'read_marked', seq: 0 },
    { ...base, type: 'persona_state', persona_id: 'nia', state: 'idle' },
    { ...base, type: 'typing_indicator', conversation_id: 'elsewhere', user_id: 'bob', is_typing: true },
    { type: 'presence_update', timestamp, user_id: 'bob', online: false },
    { type: 'heartbeat', timestamp },
    { type: 'reconnect', timestamp, after_ms: 1 },
  ]
  for (const event of events) expect(reduce(state, event)).toBe(state)
})

test('in a large conversation counts come instead of names', () => {
  const occupancy: ServerEvent = { ...base, type: 'occupancy', online: 412, typing: 3, member_count: 1874 }
  expect(reduce(emptyState('tea', 'ada'), occupancy)).toMatchObject({
    online: [],
    onlineCount: 412,
    typingCount: 3,
    memberCount: 1874,
  })
})
