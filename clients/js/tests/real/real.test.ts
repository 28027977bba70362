import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ChatClient, Conversation, ServerEvent, WebSocketConstructor } from '../../src/index.js'
import { createClient, memoryOutbox } from '../../src/index.js'
import { Cable } from '../support/cable.js'
import { RealServer } from '../support/real-server.js'

const PLATFORM = { WebSocket: WebSocket as unknown as WebSocketConstructor }
const SOON = { timeout: 30_000, interval: 20 }

let server: RealServer
const clients: ChatClient[] = []
const cables: Cable[] = []

beforeAll(async () => {
  // The shortest heartbeat that there is, so that silence is noticed soon.
  server = await RealServer.start({ GATOR_HEARTBEAT_S: '1', GATOR_MAX_CONNECTIONS_PER_USER: '20' })
}, 60_000)
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  for (const cable of cables.splice(0)) await cable.remove()
})
afterAll(() => server.remove())

function arrives(user: string, url = server.url, outbox = memoryOutbox()): ChatClient {
  const client = createClient({ url, user, outbox, platform: PLATFORM })
  clients.push(client)
  client.connect()
  return client
}

async function cable(): Promise<Cable> {
  const laid = await Cable.to(server.port)
  cables.push(laid)
  return laid
}

async function opens(client: ChatClient, id: string): Promise<Conversation> {
  const conversation = client.conversation(id)
  conversation.open()
  await expect.poll(() => conversation.getSnapshot(), SOON).toMatchObject({ status: 'live', kind: 'group' })
  return conversation
}

const texts = (conversation: Conversation) =>
  conversation.getSnapshot().messages.map((message) => message.content)
const areSent = (conversation: Conversation) =>
  conversation.getSnapshot().messages.every((message) => message.state === 'sent')

/** The log without a hole, each message once: what everybody has to see in the end. */
async function log(client: ChatClient, id: string): Promise<string[]> {
  const found: string[] = []
  for (let after = 0, more = true; more; ) {
    const page = await client.http.events(id, after)
    const events = page.events as unknown as ServerEvent[]
    found.push(...events.flatMap((event) => (event.type === 'new_message' ? [event.message.content] : [])))
    after += events.length
    more = page.has_more
  }
  return found
}

/** Wait until nothing waits to be sent, and then until everybody sees the same: the log. */
async function agree(id: string, ...conversations: Conversation[]): Promise<string[]> {
  for (const conversation of conversations) await expect.poll(() => areSent(conversation), SOON).toBe(true)
  const witness = arrives(`witness-${randomUUID()}`)
  await opens(witness, id)
  const expected = await log(witness, id)
  for (const conversation of conversations)
    await expect.poll(() => texts(conversation), SOON).toEqual(expected)
  return expected
}

test('two people talk, type, read, and see each other', async () => {
  const id = randomUUID()
  const [ada, bob] = [arrives('ada'), arrives('bob')]
  const [hers, his] = [await opens(ada, id), await opens(bob, id)]
  await expect.poll(() => hers.getSnapshot().online, SOON).toEqual(expect.arrayContaining(['ada', 'bob']))
  await expect
    .poll(() => [...hers.getSnapshot().members.keys()], SOON)
    .toEqual(expect.arrayContaining(['ada', 'bob']))
  hers.typing()
  await expect.poll(() => his.getSnapshot().typing, SOON).toEqual(['ada'])
  hers.send('The kettle is on. 🐊')
  await expect.poll(() => texts(his), SOON).toEqual(['The kettle is on. 🐊'])
  expect(his.getSnapshot()).toMatchObject({ typing: [], unread: 1 })
  his.markRead()
  await bob.conversations.load()
  await expect
    .poll(() => bob.conversations.getSnapshot().items.find((item) => item.id === id), SOON)
    .toMatchObject({ unread: 0, lastMessage: { content: 'The kettle is on. 🐊' } })
  await hers.rename('Tea club')
  await expect.poll(() => his.getSnapshot().title, SOON).toBe('Tea club')
  expect(await ada.http.me()).toMatchObject({ id: 'ada', online: true })
})

test('users and conversations may be called anything', async () => {
  const name = 'Жанна/ñ?#%'
  const id = `room/é #1?-${randomUUID()}`
  const conversation = await opens(arrives(name), id)
  conversation.send('Here.')
  await expect.poll(() => areSent(conversation) && texts(conversation), SOON).toEqual(['Here.'])
  expect(conversation.getSnapshot().messages[0]?.sender_id).toBe(name)
})

test('faster than the server allows, everything arrives in order all the same', async () => {
  const id = randomUUID()
  const ada = arrives('ada')
  const conversation = await opens(ada, id)
  const said = Array.from({ length: 40 }, (_, index) => `m${index}`)
  for (const text of said) conversation.send(text)
  await expect.poll(() => ada.outbox.getSnapshot().waiting, SOON).toBe(0)
  expect(await agree(id, conversation)).toEqual(said)
})

describe('nothing is missed and nothing doubled', () => {
  test('when the server is killed in the middle of sends, again and again', async () => {
    const id = randomUUID()
    const [ada, bob] = [arrives('ada'), arrives('bob')]
    const [hers, his] = [await opens(ada, id), await opens(bob, id)]
    const said: string[] = []
    for (let round = 0; round < 3; round += 1) {
      const from = said.length
      for (let count = 0; count < 6; count += 1) {
        said.push(`m${said.length}`)
        hers.send(said.at(-1) ?? '')
      }
      // Some of the round are stored, others are on their way, and the rest waits.
      await expect.poll(() => texts(his).length, SOON).toBeGreaterThan(from)
      await server.kill()
      await server.start()
      for (const client of [ada, bob]) client.reconnect()
    }
    await expect.poll(() => ada.outbox.getSnapshot().waiting, SOON).toBe(0)
    expect(await agree(id, hers, his)).toEqual(said)
    expect(areSent(hers)).toBe(true)
    expect(hers.getSnapshot().discontinuity).toBeNull()
  }, 120_000)

  test('when the network is cut while both sides talk', async () => {
    const id = randomUUID()
    const wire = await cable()
    const [ada, bob] = [arrives('ada', wire.url), arrives('bob')]
    const [hers, his] = [await opens(ada, id), await opens(bob, id)]
    for (let round = 0; round < 5; round += 1) {
      hers.send(`ada ${round}`)
      his.send(`bob ${round}`)
      wire.cut()
      await expect.poll(() => texts(his), SOON).toContain(`ada ${round}`)
    }
    const expected = await agree(id, hers, his)
    expect(expected).toHaveLength(10)
    expect(expected.filter((text) => text.startsWith('ada'))).toEqual(
      [0, 1, 2, 3, 4].map((round) => `ada ${round}`),
    )
  }, 60_000)

  test('when the line goes silent without a word: noticed within one heartbeat', async () => {
    const id = randomUUID()
    const wire = await cable()
    const [ada, bob] = [arrives('ada', wire.url), arrives('bob')]
    const [hers, his] = [await opens(ada, id), await opens(bob, id)]
    const reasons: string[] = []
    ada.connection.subscribe(() => reasons.push(ada.connection.getSnapshot().reason))
    wire.freeze()
    const frozenAt = performance.now()
    his.send('Can you hear me?')
    hers.send('Hello?')
    await expect.poll(() => reasons, SOON).toContain('silent')
    // The server's beats are 1 s apart. The machine may be busy, so the bound leaves room.
    expect(performance.now() - frozenAt).toBeLessThan(3_000)
    const expected = await agree(id, hers, his)
    expect([...expected].sort()).toEqual(['Can you hear me?', 'Hello?'])
  })

  test('when everything happens while the network is gone for a while', async () => {
    const id = randomUUID()
    const wire = await cable()
    const [ada, bob] = [arrives('ada', wire.url), arrives('bob')]
    const [hers, his] = [await opens(ada, id), await opens(bob, id)]
    wire.unplug()
    await expect.poll(() => ada.connection.getSnapshot().state, SOON).toBe('waiting')
    for (const text of ['one', 'two']) hers.send(text)
    for (const text of ['three', 'four']) his.send(text)
    await expect.poll(() => areSent(his) && texts(his), SOON).toEqual(['three', 'four'])
    expect(hers.getSnapshot().messages.map((message) => message.state)).toEqual(['sending', 'sending'])
    wire.mend()
    ada.reconnect()
    expect(await agree(id, hers, his)).toEqual(['three', 'four', 'one', 'two'])
  })

  test('when the page is reloaded with messages in the outbox, in two tabs', async () => {
    const id = randomUUID()
    const wire = await cable()
    const outbox = memoryOutbox()
    const before = arrives('ada', wire.url, outbox)
    const conversation = await opens(before, id)
    wire.unplug()
    await expect.poll(() => before.connection.getSnapshot().state, SOON).toBe('waiting')
    const said = ['one', 'two', 'three']
    for (const text of said) conversation.send(text)
    before.close()
    wire.mend()
    const tabs = [arrives('ada', wire.url, outbox), arrives('ada', wire.url, outbox)]
    const opened = await Promise.all(tabs.map((tab) => opens(tab, id)))
    for (const tab of tabs) await expect.poll(() => tab.outbox.getSnapshot().waiting, SOON).toBe(0)
    expect(await agree(id, ...opened)).toEqual(said)
  })

  test('when the server is stopped in an orderly way and comes back', async () => {
    const id = randomUUID()
    const ada = arrives('ada')
    const conversation = await opens(ada, id)
    const reasons: string[] = []
    ada.connection.subscribe(() => reasons.push(ada.connection.getSnapshot().reason))
    conversation.send('before')
    await expect.poll(() => areSent(conversation), SOON).toBe(true)
    await server.kill('SIGTERM')
    conversation.send('meanwhile')
    await server.start()
    ada.reconnect()
    expect(await agree(id, conversation)).toEqual(['before', 'meanwhile'])
    expect(reasons).toContain('server_restarts')
  }, 60_000)
})

test('a persona’s reply grows, is stopped, and made anew', async () => {
  const ada = arrives('ada')
  await expect.poll(() => ada.connection.getSnapshot().state, SOON).toBe('open')
  const nia = await ada.http.personas.create({ name: 'Nia', greeting: 'Good morning.' })
  const conversation = await ada.http.personas.begin(nia.id)
  conversation.open()
  await expect.poll(() => texts(conversation), SOON).toEqual(['Good morning.'])
  conversation.send('What is for tea?')
  await expect.poll(() => conversation.getSnapshot().messages.length, SOON).toBe(3)
  const [, question, reply] = conversation.getSnapshot().messages
  expect(reply).toMatchObject({ is_ai: true, sender_id: nia.id, reply: { answers: question?.id } })
  expect(conversation.getSnapshot().replies).toEqual([])
  await conversation.regenerateReply(reply?.id ?? '')
  await expect.poll(() => conversation.getSnapshot().messages.at(-1)?.reply?.attempt, SOON).toBe(2)
  expect(conversation.getSnapshot().messages.at(-1)?.reply?.answers).toBe(question?.id)
  await expect(conversation.stopReply('none')).rejects.toMatchObject({ code: 'run_not_found' })
  expect(await ada.http.personas.list({ mine: true })).toMatchObject({
    personas: [{ id: nia.id, mine: true }],
  })
  const card = await ada.http.personas.exportCard(nia.id)
  const again = await ada.http.personas.importCard(card)
  expect(again.name).toBe('Nia')
  expect(await ada.http.personas.update(again.id, { name: 'Nia the second' })).toMatchObject({
    name: 'Nia the second',
  })
  await ada.http.personas.remove(again.id)
  await expect(ada.http.personas.get(again.id)).rejects.toMatchObject({
    code: 'persona_not_found',
    status: 404,
  })
  expect(await ada.http.memory.put(conversation.id, { summary: 'Tea.', pins: ['No milk.'] })).toMatchObject({
    pins: ['No milk.'],
  })
})
