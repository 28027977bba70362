import { expect, test } from 'vitest'
import { FakeServer } from '../src/testing/index.js'
import { ada, begin } from './support/stage.js'

async function withList(count = 3) {
  const server = new FakeServer()
  for (let index = 0; index < count; index += 1) {
    server.create('group', `Room ${index}`, 'ada', ['bob'], `room-${index}`)
    await server.clock.advance(1_000)
  }
  const client = ada(server)
  client.connect()
  await server.clock.settle()
  await client.conversations.load()
  const ids = () => client.conversations.getSnapshot().items.map((item) => item.id)
  const item = (id: string) => client.conversations.getSnapshot().items.find((one) => one.id === id)
  return { server, client, clock: server.clock, ids, item }
}

test('the list is loaded, newest first, and more of it on demand', async () => {
  const { client, ids } = await withList(120)
  expect(client.conversations.getSnapshot()).toMatchObject({ status: 'ready', hasMore: true })
  expect(ids()).toHaveLength(50)
  expect(ids()[0]).toBe('room-119')
  await client.conversations.loadMore()
  await client.conversations.loadMore()
  await client.conversations.loadMore()
  expect(ids()).toHaveLength(120)
  expect(client.conversations.getSnapshot().hasMore).toBe(false)
})

test('a message brings its conversation to the front, joined or not', async () => {
  const { server, client, clock, ids, item } = await withList()
  client.conversation('room-0').open()
  await clock.settle()
  server.say('bob', 'room-0', 'Joined.')
  await clock.settle()
  expect(ids()[0]).toBe('room-0')
  server.say('bob', 'room-1', 'Not joined.')
  await clock.settle()
  expect(ids()).toEqual(['room-1', 'room-0', 'room-2'])
  expect(item('room-1')).toMatchObject({ unread: 1, lastMessage: { content: 'Not joined.' } })
  client.conversation('room-0').markRead()
  await clock.advance(1_000)
  expect(item('room-0')).toMatchObject({ unread: 0 })
})

test('being added, removed, and the end of a conversation change it', async () => {
  const { server, clock, ids, item } = await withList(1)
  server.create('group', 'New', 'bob', ['ada'], 'new')
  await clock.settle()
  expect(ids()).toEqual(['new', 'room-0'])
  expect(item('new')).toMatchObject({ title: 'New', role: 'member' })
  server.removeMember('bob', 'new', 'ada')
  server.delete('ada', 'room-0')
  await clock.settle()
  expect(ids()).toEqual([])
})

test('what was said while offline is there after the reconnect', async () => {
  const { server, clock, ids, item } = await withList()
  server.stop()
  await clock.settle()
  server.say('bob', 'room-0', 'While you were out.')
  server.start()
  await clock.advance(1_000)
  expect(ids()[0]).toBe('room-0')
  expect(item('room-0')).toMatchObject({ unread: 1, lastMessage: { content: 'While you were out.' } })
})

test('loading that fails is said, and works later', async () => {
  const { server, client, clock } = await begin()
  server.answerNext('GET', '/api/v1/conversations', 503, { code: 'overloaded', detail: 'Busy.' })
  await client.conversations.load()
  expect(client.conversations.getSnapshot().status).toBe('failed')
  await client.conversations.load()
  await clock.settle()
  expect(client.conversations.getSnapshot()).toEqual({ items: [], status: 'ready', hasMore: false })
})

test('a new conversation is opened by its name, and the direct one of two people is one', async () => {
  const { client, ids } = await withList(0)
  const first = await client.createConversation({ kind: 'direct', memberIds: ['bob'] })
  const second = await client.createConversation({ kind: 'direct', memberIds: ['bob'] })
  expect(second).toBe(first)
  expect(ids()).toEqual([first.id])
  await expect(client.createConversation({ kind: 'direct', memberIds: [] })).rejects.toMatchObject({
    code: 'invalid_command',
    status: 422,
  })
})

test('peers of direct conversations are asked for, and again at each heartbeat', async () => {
  const { server, client, clock } = await withList(0)
  await client.createConversation({ kind: 'direct', memberIds: ['bob'] })
  await clock.settle()
  expect(client.presence.getSnapshot().get('bob')).toEqual({ online: false, lastSeen: null })
  ada(server, { user: 'bob' }).connect()
  await clock.settle()
  server.beat()
  await clock.settle()
  expect(client.presence.getSnapshot().get('bob')?.online).toBe(true)
})
