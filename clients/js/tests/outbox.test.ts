import 'fake-indexeddb/auto'
import { describe, expect, test } from 'vitest'
import { indexedDbOutbox } from '../src/outbox/indexeddb.js'
import { memoryOutbox, type Outbox, type OutboxEntry } from '../src/outbox/outbox.js'
import { FakeServer } from '../src/testing/index.js'
import { ada, begin, inTeaClub, states } from './support/stage.js'

function entry(clientMessageId: string, order = 1): OutboxEntry {
  return {
    clientMessageId,
    conversationId: 'tea',
    content: 'Hello.',
    createdAt: '2025-01-15T10:30:00.000Z',
    order,
  }
}

let databases = 0
const kinds: [string, () => Outbox][] = [
  ['memory', memoryOutbox],
  [
    'IndexedDB',
    () => {
      databases += 1
      return indexedDbOutbox(`outbox-${databases}`)
    },
  ],
]

describe.each(kinds)('an outbox in %s', (_name, make) => {
  test('gives back what was put in, in whatever order', async () => {
    const outbox = make()
    await outbox.put('ada', entry('one'))
    await outbox.put('ada', entry('two', 2))
    const found = await outbox.load('ada')
    expect([...found].sort((one, other) => one.order - other.order)).toEqual([entry('one'), entry('two', 2)])
  })

  test('replaces an entry, and removes it once and for all', async () => {
    const outbox = make()
    await outbox.put('ada', entry('one'))
    const failed = { ...entry('one'), failed: { code: 'forbidden', message: 'No.' } }
    await outbox.put('ada', failed)
    expect(await outbox.load('ada')).toEqual([failed])
    await outbox.remove('ada', 'one')
    await outbox.remove('ada', 'one')
    expect(await outbox.load('ada')).toEqual([])
  })

  test('shows nobody what is another’s', async () => {
    const outbox = make()
    await outbox.put('ada', entry('one'))
    await outbox.put('bob', { ...entry('one'), content: 'Other.' })
    await outbox.remove('bob', 'one')
    expect(await outbox.load('bob')).toEqual([])
    expect(await outbox.load('ada')).toEqual([entry('one')])
  })

  test('is the same for all who share it', async () => {
    const outbox = make()
    await Promise.all(['a', 'b', 'c'].map((id) => outbox.put('ada', entry(id))))
    await Promise.all([outbox.remove('ada', 'b'), outbox.put('ada', entry('d'))])
    expect((await outbox.load('ada')).map((one) => one.clientMessageId).sort()).toEqual(['a', 'c', 'd'])
  })
})

function stored(server: FakeServer): string[] {
  return server.log('tea').messages.map((message) => message.content)
}

describe('sending', () => {
  test('a message is there at once, and stored once it is acknowledged', async () => {
    const { server, client, clock, tea } = await inTeaClub()
    const id = tea.send('The kettle is on.')
    expect(tea.getSnapshot().messages).toMatchObject([
      { id, seq: 0, state: 'sending', sender_id: 'ada', client_message_id: id, is_ai: false },
    ])
    expect(client.outbox.getSnapshot()).toEqual({ waiting: 1 })
    await clock.settle()
    expect(tea.getSnapshot().messages).toMatchObject([{ seq: 2, state: 'sent', client_message_id: id }])
    expect(client.outbox.getSnapshot()).toEqual({ waiting: 0 })
    expect(stored(server)).toEqual(['The kettle is on.'])
  })

  test('it may come back before its acknowledgement, or after it, and is shown once', async () => {
    for (const lost of ['ack', 'new_message'] as const) {
      const { server, clock, tea } = await inTeaClub()
      server.loseNext(lost)
      tea.send('Once.')
      await clock.settle()
      expect(states(tea)).toEqual(['Once.: sent'])
      await clock.advance(60_000)
      expect(states(tea)).toEqual(['Once.: sent'])
      expect(stored(server)).toEqual(['Once.'])
    }
  })

  test('those of one conversation are sent one after the other, in order', async () => {
    const { server, clock, tea } = await inTeaClub()
    server.refuseNext('send_message', 'rate_limited', 300)
    for (const text of ['one', 'two', 'three']) tea.send(text)
    await clock.advance(299)
    expect(stored(server)).toEqual([])
    await clock.advance(1)
    expect(stored(server)).toEqual(['one', 'two', 'three'])
  })

  test('one conversation does not wait for another', async () => {
    const { server, client, clock, tea } = await inTeaClub()
    server.create('group', null, 'ada', [], 'other')
    server.refuseNext('send_message', 'overloaded', 60_000)
    tea.send('slow')
    client.conversation('other').send('quick')
    await clock.settle()
    expect(server.log('other').messages).toHaveLength(1)
  })

  test('refused for good it has failed; it can be tried again or given up, and holds up nobody', async () => {
    const { server, client, clock, tea } = await inTeaClub()
    server.refuseNext('send_message', 'forbidden')
    server.refuseNext('send_message', 'forbidden')
    const [first, second] = [tea.send('one'), tea.send('two')]
    tea.send('three')
    await clock.settle()
    expect(states(tea)).toEqual(['three: sent', 'one: failed', 'two: failed'])
    expect(tea.getSnapshot().messages[1]?.error).toMatchObject({ code: 'forbidden', temporary: false })
    expect(client.outbox.getSnapshot()).toEqual({ waiting: 0 })
    tea.retry(first)
    tea.discard(second)
    await clock.settle()
    expect(states(tea)).toEqual(['three: sent', 'one: sent'])
    expect(stored(server)).toEqual(['three', 'one'])
  })

  test('a message that has not failed is not given up: it may be stored already', async () => {
    const { server, clock, tea } = await inTeaClub()
    const id = tea.send('On its way.')
    tea.discard(id)
    tea.retry(id)
    await clock.settle()
    expect(stored(server)).toEqual(['On its way.'])
  })

  test('a lost acknowledgement is asked for again, and nothing is stored twice', async () => {
    const { server, clock, tea, close } = await inTeaClub()
    close()
    await clock.advance(3_000)
    server.loseNext('ack')
    tea.send('Once.')
    await clock.advance(20_000)
    const sends = server.received.filter((command) => command.type === 'send_message')
    expect(sends).toHaveLength(2)
    expect(new Set(sends.map((command) => command.client_message_id)).size).toBe(1)
    expect(stored(server)).toEqual(['Once.'])
    expect(states(tea)).toEqual(['Once.: sent'])
  })

  test('written while offline, it goes out with the next connection', async () => {
    const { server, clock, tea } = await inTeaClub()
    server.stop()
    await clock.settle()
    tea.send('one')
    tea.send('two')
    await clock.advance(60_000)
    expect(states(tea)).toEqual(['one: sending', 'two: sending'])
    server.start()
    await clock.advance(30_000)
    expect(stored(server)).toEqual(['one', 'two'])
  })

  test('cut off before the acknowledgement, it is sent again and stored once', async () => {
    const { server, clock, tea } = await inTeaClub()
    tea.send('Once.')
    server.freeze()
    server.cut()
    await clock.advance(60_000)
    expect(stored(server)).toEqual(['Once.'])
    expect(states(tea)).toEqual(['Once.: sent'])
  })

  test('a persona that may not be asked takes nothing from the message', async () => {
    const { server, clock, tea } = await inTeaClub()
    tea.send('Are you there?', { personaId: 'nia' })
    await clock.settle()
    expect(server.log('tea').messages).toMatchObject([{ persona_id: 'nia' }])
    expect(tea.getSnapshot().messages).toMatchObject([{ persona_id: 'nia', state: 'sent' }])
  })

  test('500 wait; one more has failed at once', async () => {
    const { client, server, clock } = await begin()
    server.stop()
    await clock.settle()
    const tea = client.conversation('tea')
    for (let count = 0; count < 501; count += 1) tea.send(`m${count}`)
    expect(client.outbox.getSnapshot()).toEqual({ waiting: 500 })
    expect(tea.getSnapshot().messages.at(-1)).toMatchObject({
      state: 'failed',
      error: { code: 'outbox_full' },
    })
  })

  test('a disk that takes nothing stops no message', async () => {
    const broken: Outbox = {
      load: () => Promise.reject(new Error('QuotaExceeded')),
      put: () => Promise.reject(new Error('QuotaExceeded')),
      remove: () => Promise.reject(new Error('QuotaExceeded')),
    }
    const { server, clock, tea } = await inTeaClub({ client: { outbox: broken } })
    tea.send('Through.')
    await clock.settle()
    expect(stored(server)).toEqual(['Through.'])
  })
})

describe('after a reload', () => {
  test('what waits is shown, is sent in order, and failed ones are still there', async () => {
    const server = new FakeServer()
    server.create('group', null, 'ada', [], 'tea')
    const outbox = memoryOutbox()
    const before = ada(server, { outbox })
    before.connect()
    server.refuseNext('send_message', 'forbidden')
    before.conversation('tea').send('refused')
    await server.clock.settle()
    server.stop()
    for (const text of ['one', 'two']) before.conversation('tea').send(text)
    await server.clock.settle()
    before.close()

    const after = ada(server, { outbox })
    const tea = after.conversation('tea')
    after.connect()
    await server.clock.settle()
    expect(states(tea)).toEqual(['refused: failed', 'one: sending', 'two: sending'])
    server.start()
    await server.clock.advance(10_000)
    expect(stored(server)).toEqual(['one', 'two'])
    expect(await outbox.load('http://chat.test ada')).toHaveLength(1)
  })

  test('what was stored before the reload is neither stored nor shown twice', async () => {
    const server = new FakeServer()
    server.create('group', null, 'ada', [], 'tea')
    const outbox = memoryOutbox()
    const before = ada(server, { outbox })
    before.connect()
    await server.clock.settle()
    server.loseNext('ack')
    before.conversation('tea').send('Once.')
    await server.clock.settle()
    expect(stored(server)).toEqual(['Once.'])
    before.close()
    const after = ada(server, { outbox })
    const tea = after.conversation('tea')
    tea.open()
    after.connect()
    await server.clock.settle()
    expect(stored(server)).toEqual(['Once.'])
    expect(states(tea)).toEqual(['Once.: sent'])
  })

  test('what the log has already is not shown a second time while it waits to be sent again', async () => {
    const server = new FakeServer()
    server.create('group', null, 'ada', [], 'tea')
    const outbox = memoryOutbox()
    const before = ada(server, { outbox })
    before.connect()
    await server.clock.settle()
    server.loseNext('ack')
    before.conversation('tea').send('Once.')
    await server.clock.settle()
    before.close()
    const after = ada(server, { outbox })
    server.refuseNext('send_message', 'overloaded', 60_000)
    const tea = after.conversation('tea')
    tea.open()
    after.connect()
    await server.clock.settle()
    expect(states(tea)).toEqual(['Once.: sent'])
    expect(after.outbox.getSnapshot()).toEqual({ waiting: 0 })
  })

  test('entries go out in the order in which they were written, however the outbox gives them back', async () => {
    const server = new FakeServer()
    server.create('group', null, 'ada', [], 'tea')
    const written = ['one', 'two', 'three'].map((content, index) => ({
      ...entry(`id-${9 - index}`, index + 1),
      content,
    }))
    const outbox: Outbox = { ...memoryOutbox(), load: async () => [...written].reverse() }
    const client = ada(server, { outbox })
    client.connect()
    await server.clock.settle()
    expect(stored(server)).toEqual(['one', 'two', 'three'])
  })

  test('one user never sends what another has left behind', async () => {
    const server = new FakeServer()
    server.create('group', null, 'ada', ['bob'], 'tea')
    const outbox = memoryOutbox()
    server.stop()
    ada(server, { outbox }).connect()
    const before = ada(server, { outbox })
    before.connect()
    before.conversation('tea').send('From Ada.')
    await server.clock.settle()
    before.close()
    server.start()
    const bob = ada(server, { outbox, user: 'bob' })
    bob.connect()
    await server.clock.settle()
    expect(bob.conversation('tea').getSnapshot().messages).toEqual([])
    expect(bob.outbox.getSnapshot()).toEqual({ waiting: 0 })
  })
})

test('two tabs that share an outbox send the same messages, and each is stored and shown once', async () => {
  const server = new FakeServer()
  server.create('group', null, 'ada', [], 'tea')
  server.stop()
  const outbox = indexedDbOutbox('two-tabs')
  const tabs = [ada(server, { outbox }), ada(server, { outbox })]
  for (const tab of tabs) tab.conversation('tea').open()
  tabs[0]?.connect()
  for (const text of ['one', 'two', 'three']) tabs[0]?.conversation('tea').send(text)
  // The database takes time of its own, which is not the clock's.
  await expect.poll(async () => (await outbox.load('http://chat.test ada')).length).toBe(3)
  tabs[1]?.connect()
  await expect.poll(() => tabs[1]?.outbox.getSnapshot().waiting).toBe(3)
  server.start()
  await server.clock.advance(10_000)
  await expect.poll(async () => (await outbox.load('http://chat.test ada')).length).toBe(0)
  const sends = server.received.filter((command) => command.type === 'send_message')
  expect(sends.length).toBeGreaterThan(3)
  expect(stored(server)).toEqual(['one', 'two', 'three'])
  for (const tab of tabs) {
    expect(states(tab.conversation('tea'))).toEqual(['one: sent', 'two: sent', 'three: sent'])
    expect(tab.outbox.getSnapshot()).toEqual({ waiting: 0 })
  }
})
