import { describe, expect, test } from 'vitest'
import { siblingsOf } from '../src/index.js'
import { FakeServer } from '../src/testing/index.js'
import { ada, begin, inTeaClub, states, texts } from './support/stage.js'

test('a conversation is the same object for the same id', async () => {
  const { client } = await begin()
  expect(client.conversation('tea')).toBe(client.conversation('tea'))
})

test('opening joins, and brings the newest messages, the name and the members', async () => {
  const { server, client, clock } = await begin()
  server.name('bob', 'Bob')
  server.create('group', 'Tea club', 'ada', ['bob'], 'tea')
  for (let count = 1; count <= 150; count += 1) server.say('bob', 'tea', `m${count}`)
  const tea = client.conversation('tea')
  tea.open()
  expect(tea.getSnapshot().status).toBe('joining')
  await clock.settle()
  const shown = tea.getSnapshot()
  expect(shown).toMatchObject({
    status: 'live',
    title: 'Tea club',
    kind: 'group',
    role: 'owner',
    unread: 150,
  })
  expect(shown.members.get('bob')).toEqual({ userId: 'bob', role: 'member', name: 'Bob', avatar: null })
  expect(texts(tea)).toEqual(Array.from({ length: 100 }, (_, index) => `m${index + 51}`))
  expect([shown.hasOlder, shown.loadingOlder, shown.historyError]).toEqual([true, false, null])
  await tea.loadOlder()
  expect(texts(tea)).toEqual(Array.from({ length: 150 }, (_, index) => `m${index + 1}`))
  expect(tea.getSnapshot().hasOlder).toBe(false)
  expect(tea.getSnapshot().events.map((event) => event.type)).toEqual(['conversation_created'])
})

test('whoever hears that older messages are loaded may ask for more at once', async () => {
  const { server, client, clock } = await begin()
  server.create('group', 'Tea club', 'ada', ['bob'], 'tea')
  for (let count = 1; count <= 400; count += 1) server.say('bob', 'tea', `m${count}`)
  const tea = client.conversation('tea')
  tea.open()
  await clock.settle()
  expect(tea.getSnapshot().hasOlder).toBe(true)
  let wasLoading = false
  tea.subscribe(() => {
    const { loadingOlder, hasOlder } = tea.getSnapshot()
    if (wasLoading && !loadingOlder && hasOlder) void tea.loadOlder()
    wasLoading = loadingOlder
  })
  void tea.loadOlder()
  await clock.settle()
  expect(tea.getSnapshot().hasOlder).toBe(false)
})

test('a snapshot stays the same object while nothing changes, and so do its parts', async () => {
  const { server, clock, tea } = await inTeaClub()
  server.say('bob', 'tea', 'One.')
  await clock.settle()
  const before = tea.getSnapshot()
  server.beat()
  await clock.advance(60_000)
  expect(tea.getSnapshot()).toBe(before)
  server.type('bob', 'tea')
  await clock.settle()
  expect(tea.getSnapshot()).not.toBe(before)
  expect(tea.getSnapshot().messages).toBe(before.messages)
})

test('after a loss exactly what was missed is asked for, under the epoch in which it was learnt', async () => {
  const { server, clock, tea } = await inTeaClub()
  server.say('bob', 'tea', 'before')
  await clock.settle()
  server.stop()
  await clock.settle()
  expect(tea.getSnapshot().status).toBe('joining')
  server.say('bob', 'tea', 'while away')
  server.start()
  await clock.advance(2_000)
  expect(tea.getSnapshot()).toMatchObject({ status: 'live', discontinuity: null })
  expect(texts(tea)).toEqual(['before', 'while away'])
  const joins = server.received.filter((command) => command.type === 'join_conversation')
  expect(joins.at(-1)).toMatchObject({ after_seq: 2, epoch: 'epoch-1' })
})

describe('holes', () => {
  test('a lost event is noticed with the next one, and filled over HTTP', async () => {
    const { server, clock, tea } = await inTeaClub()
    server.loseNext('new_message')
    server.say('bob', 'tea', 'lost')
    server.say('bob', 'tea', 'heard')
    await clock.settle()
    expect(texts(tea)).toEqual(['lost', 'heard'])
    expect(server.received.filter((command) => command.type === 'join_conversation')).toHaveLength(1)
  })

  test('if HTTP fails it is filled by joining again', async () => {
    const { server, clock, tea } = await inTeaClub()
    server.answerNext('GET', '/api/v1/conversations/tea/events', 503, { code: 'overloaded', detail: 'Busy.' })
    server.loseNext('new_message')
    server.say('bob', 'tea', 'lost')
    server.say('bob', 'tea', 'heard')
    await clock.settle()
    expect(texts(tea)).toEqual(['lost', 'heard'])
    expect(server.received.filter((command) => command.type === 'join_conversation')).toHaveLength(2)
  })

  test('a loss that leaves no trace is noticed at the next heartbeat', async () => {
    const { server, clock, tea } = await inTeaClub()
    server.loseNext('new_message')
    server.say('bob', 'tea', 'lost')
    server.beat()
    await clock.settle()
    expect(texts(tea)).toEqual([])
    await clock.advance(5_000)
    expect(texts(tea)).toEqual(['lost'])
  })

  test('events in the middle of a replay may be lost too', async () => {
    const { server, clock, tea } = await inTeaClub()
    server.stop()
    for (const text of ['one', 'two', 'three']) server.say('bob', 'tea', text)
    server.start()
    server.loseNext('new_message', 2)
    await clock.advance(1_000)
    expect(texts(tea)).toEqual(['one', 'two', 'three'])
    expect(tea.getSnapshot().status).toBe('live')
  })

  test('a replay that stops in its middle is taken up again', async () => {
    const { server, client, clock, tea } = await inTeaClub()
    server.stop()
    for (const text of ['one', 'two', 'three']) server.say('bob', 'tea', text)
    server.start()
    server.loseNext('new_message', 3)
    await clock.advance(1_000)
    expect(client.connection.getSnapshot().state).toBe('catching_up')
    await clock.advance(5_000)
    expect(client.connection.getSnapshot().state).toBe('open')
    expect(texts(tea)).toEqual(['one', 'two', 'three'])
  })
})

describe('discontinuities', () => {
  test('too much was missed: it is said, and the newest is loaded', async () => {
    const { server, clock, tea } = await inTeaClub({ replayLimit: 10 })
    server.say('bob', 'tea', 'before')
    await clock.settle()
    server.stop()
    for (let count = 1; count <= 120; count += 1) server.say('bob', 'tea', `m${count}`)
    server.start()
    await clock.advance(2_000)
    expect(tea.getSnapshot().discontinuity).toEqual({ reason: 'too_far_behind', atSeq: 122 })
    expect(texts(tea)).toEqual(Array.from({ length: 100 }, (_, index) => `m${index + 21}`))
    await tea.loadOlder()
    expect(texts(tea).slice(0, 2)).toEqual(['before', 'm1'])
  })

  test('the server has another history: what was held is dropped', async () => {
    const { server, clock, tea } = await inTeaClub()
    for (const text of ['one', 'two', 'three']) server.say('bob', 'tea', text)
    await clock.settle()
    server.restoreBackup(2)
    server.say('bob', 'tea', 'another two')
    await clock.advance(2_000)
    expect(tea.getSnapshot().discontinuity).toMatchObject({ reason: 'epoch_changed' })
    expect(texts(tea)).toEqual(['one', 'another two'])
  })

  test('a first join is none', async () => {
    const { tea } = await inTeaClub()
    expect(tea.getSnapshot().discontinuity).toBeNull()
  })
})

test('history that cannot be loaded is said, and tried again', async () => {
  const { server, client, clock } = await begin()
  server.create('group', 'Tea club', 'ada', [], 'tea')
  server.say('bob', 'tea', 'Hello.')
  server.answerNext('GET', '/api/v1/conversations/tea/events', 503, { code: 'overloaded', detail: 'Busy.' })
  const tea = client.conversation('tea')
  tea.open()
  await clock.settle()
  expect(tea.getSnapshot().historyError).toMatchObject({ code: 'overloaded', temporary: true })
  await clock.advance(1_000)
  expect(tea.getSnapshot().historyError).toBeNull()
  expect(texts(tea)).toEqual(['Hello.'])
})

test('a page that was asked for before another history began is thrown away', async () => {
  const server = new FakeServer()
  const platform = server.platform()
  const gates: (() => void)[] = []
  let isGated = false
  const fetch: typeof platform.fetch = async (address, init) => {
    const answer = await platform.fetch(address, init)
    if (isGated && address.includes('/events')) await new Promise<void>((resolve) => gates.push(resolve))
    return answer
  }
  const client = ada(server, { platform: { ...platform, fetch } })
  server.create('group', 'Tea club', 'ada', ['bob'], 'tea')
  for (let count = 1; count <= 300; count += 1) server.say('bob', 'tea', `m${count}`)
  const tea = client.conversation('tea')
  tea.open()
  client.connect()
  await server.clock.settle()
  isGated = true
  const loading = tea.loadOlder()
  await server.clock.settle()
  isGated = false
  server.restoreBackup(40)
  await server.clock.advance(2_000)
  const before = texts(tea)
  expect(before).toHaveLength(39)
  for (const open of gates) open()
  await loading
  expect(texts(tea)).toEqual(before)
  expect(tea.getSnapshot().hasOlder).toBe(false)
})

describe('opening and closing', () => {
  test('it is left a moment after the last one closed it', async () => {
    const { server, client, clock, tea, close } = await inTeaClub()
    const closeToo = client.conversation('tea').open()
    close()
    close()
    await clock.advance(10_000)
    expect(tea.getSnapshot().status).toBe('live')
    closeToo()
    tea.open()()
    await clock.advance(1_999)
    expect(tea.getSnapshot().status).toBe('live')
    await clock.advance(1)
    expect(tea.getSnapshot().status).toBe('idle')
    expect(server.received.filter((command) => command.type === 'leave_conversation')).toHaveLength(1)
  })

  test('opened again, it goes on from where it was', async () => {
    const { server, clock, tea, close } = await inTeaClub()
    server.say('bob', 'tea', 'one')
    await clock.settle()
    close()
    await clock.advance(3_000)
    server.say('bob', 'tea', 'two')
    tea.open()
    await clock.settle()
    expect(texts(tea)).toEqual(['one', 'two'])
    expect(server.received.at(-1)).toMatchObject({ type: 'join_conversation', after_seq: 2 })
  })

  test('a closed one keeps only its newest messages', async () => {
    const { server, clock, tea, close } = await inTeaClub()
    for (let count = 1; count <= 300; count += 1) server.say('bob', 'tea', `m${count}`)
    await clock.settle()
    expect(texts(tea)).toHaveLength(300)
    close()
    await clock.advance(2_000)
    expect(texts(tea)).toHaveLength(200)
    expect(tea.getSnapshot().hasOlder).toBe(true)
    await tea.loadOlder()
    expect(texts(tea)).toEqual(Array.from({ length: 300 }, (_, index) => `m${index + 1}`))
  })

  test('as many are joined as the server allows; the next one has room once another is closed', async () => {
    const { client, clock } = await begin({ limits: { max_joined_conversations: 2 } })
    const [one, two, three] = ['one', 'two', 'three'].map((id) => client.conversation(id))
    const close = one?.open()
    two?.open()
    three?.open()
    await clock.settle()
    expect(three?.getSnapshot()).toMatchObject({ status: 'failed', reason: 'too_many_joined' })
    expect(client.connection.getSnapshot().state).toBe('open')
    close?.()
    await clock.advance(2_000)
    expect([one, two, three].map((conversation) => conversation?.getSnapshot().status)).toEqual([
      'idle',
      'live',
      'live',
    ])
  })

  test('one that is none of the user’s business fails, and says why', async () => {
    const { server, client, clock } = await begin()
    const { id } = server.create('direct', null, 'bob', ['cleo'])
    const conversation = client.conversation(id)
    conversation.open()
    await clock.settle()
    expect(conversation.getSnapshot()).toMatchObject({ status: 'failed', reason: 'conversation_not_found' })
    expect(client.connection.getSnapshot().state).toBe('open')
  })

  test('refused for haste, it joins when it may', async () => {
    const { server, client, clock } = await begin()
    server.refuseNext('join_conversation', 'rate_limited', 700)
    const tea = client.conversation('tea')
    tea.open()
    await clock.advance(699)
    expect(tea.getSnapshot().status).toBe('joining')
    await clock.advance(1)
    expect(tea.getSnapshot().status).toBe('live')
  })

  test('whoever is removed sees it, and may be brought back', async () => {
    const { server, client, clock } = await begin()
    server.create('group', null, 'bob', ['ada'], 'tea')
    const tea = client.conversation('tea')
    const close = tea.open()
    await clock.settle()
    server.removeMember('bob', 'tea', 'ada')
    await clock.settle()
    expect(tea.getSnapshot()).toMatchObject({ status: 'left', reason: 'removed' })
    server.addMember('bob', 'tea', 'ada')
    close()
    tea.open()
    await clock.settle()
    expect(tea.getSnapshot()).toMatchObject({ status: 'live', role: 'member' })
  })
})

describe('typing', () => {
  test('keys tell the others at once and every 3 s, and silence ends it', async () => {
    const { server, clock, tea } = await inTeaClub()
    const said = () =>
      server.received.filter((command) => command.type.startsWith('typing')).map((command) => command.type)
    for (let key = 0; key < 65; key += 1) {
      tea.typing()
      await clock.advance(100)
    }
    expect(said()).toEqual(['typing_start', 'typing_start', 'typing_start'])
    await clock.advance(4_000)
    expect(said().at(-1)).toBe('typing_stop')
    await clock.advance(60_000)
    expect(said()).toHaveLength(4)
  })

  test('a message ends it without a word', async () => {
    const { server, clock, tea } = await inTeaClub()
    tea.typing()
    tea.send('Done.')
    await clock.advance(10_000)
    expect(server.received.filter((command) => command.type === 'typing_stop')).toEqual([])
  })

  test('others type until they stop, write, or have not been heard of for 6 s', async () => {
    const { server, clock, tea } = await inTeaClub()
    const typing = () => tea.getSnapshot().typing
    server.type('bob', 'tea')
    server.type('cleo', 'tea')
    await clock.settle()
    expect(typing()).toEqual(['bob', 'cleo'])
    server.type('cleo', 'tea', false)
    server.say('bob', 'tea', 'There.')
    await clock.settle()
    expect(typing()).toEqual([])
    server.type('bob', 'tea')
    await clock.advance(5_000)
    server.type('bob', 'tea')
    await clock.advance(5_999)
    expect(typing()).toEqual(['bob'])
    await clock.advance(1)
    expect(typing()).toEqual([])
  })
})

describe('reading', () => {
  test('it is told twice a second at most, never back, and counts at once', async () => {
    const { server, clock, tea } = await inTeaClub()
    for (const text of ['one', 'two', 'three']) server.say('bob', 'tea', text)
    await clock.settle()
    expect(tea.getSnapshot().unread).toBe(3)
    tea.markRead(2)
    expect(tea.getSnapshot()).toMatchObject({ unread: 2, readSeq: 2 })
    tea.markRead()
    tea.markRead(1)
    expect(tea.getSnapshot().unread).toBe(0)
    await clock.advance(1_000)
    expect(server.received.filter((command) => command.type === 'mark_read')).toMatchObject([{ seq: 4 }])
  })

  test('what was read while offline is told after the reconnect', async () => {
    const { server, clock, tea } = await inTeaClub()
    server.say('bob', 'tea', 'one')
    await clock.settle()
    server.stop()
    await clock.settle()
    tea.markRead()
    await clock.advance(5_000)
    server.start()
    await clock.advance(10_000)
    expect(server.log('tea').read.get('ada')).toBe(2)
  })

  test('what is read on another device is read here', async () => {
    const { server, clock, tea } = await inTeaClub()
    const phone = ada(server)
    phone.connect()
    phone.conversation('tea').open()
    server.say('bob', 'tea', 'one')
    await clock.settle()
    phone.conversation('tea').markRead()
    await clock.advance(1_000)
    expect(tea.getSnapshot().unread).toBe(0)
  })
})

test('members come and go with their names, and are seen online', async () => {
  const { server, clock, client, tea } = await inTeaClub()
  server.name('cleo', 'Cleo')
  await tea.addMember('cleo')
  await clock.settle()
  expect(tea.getSnapshot()).toMatchObject({ memberCount: 3, online: ['ada'] })
  expect(tea.getSnapshot().members.get('cleo')?.name).toBe('Cleo')
  const cleo = ada(server, { user: 'cleo' })
  cleo.connect()
  cleo.conversation('tea').open()
  await clock.settle()
  expect(tea.getSnapshot().online).toEqual(['ada', 'cleo'])
  expect(client.presence.getSnapshot().get('cleo')?.online).toBe(true)
  cleo.close()
  await clock.settle()
  expect(tea.getSnapshot()).toMatchObject({ online: ['ada'], onlineCount: 1 })
  expect(client.presence.getSnapshot().get('cleo')?.online).toBe(false)
  await tea.removeMember('cleo')
  await tea.rename('Two for tea')
  await clock.settle()
  expect(tea.getSnapshot()).toMatchObject({ memberCount: 2, title: 'Two for tea' })
  expect(tea.getSnapshot().events.map((event) => event.type)).toEqual([
    'conversation_created',
    'members_added',
    'member_removed',
    'conversation_renamed',
  ])
  await expect(tea.removeMember('cleo')).rejects.toMatchObject({ code: 'member_not_found', status: 404 })
  await tea.delete()
  await clock.settle()
  expect(tea.getSnapshot()).toMatchObject({ status: 'left', reason: 'deleted' })
})

describe('replies', () => {
  test('text grows, survives a loss in its middle, and becomes the message', async () => {
    const { server, clock, tea } = await inTeaClub()
    const question = server.say('bob', 'tea', '@Nia, what is for tea?')
    const reply = server.reply('tea', 'nia', question.id).queue(1).queue(0).start().say('🐊 Bread ')
    await clock.settle()
    expect(tea.getSnapshot().replies).toMatchObject([
      { runId: reply.runId, state: 'streaming', text: '🐊 Bread ' },
    ])
    expect(tea.getSnapshot().personaStates.get('nia')).toBe('thinking')
    server.stop()
    reply.say('and butter ')
    server.start()
    await clock.advance(1_000)
    server.loseNext('reply_delta')
    reply.say('and ').say('jam.')
    await clock.settle()
    expect(tea.getSnapshot().replies[0]?.text).toBe('🐊 Bread and butter and jam.')
    reply.finish()
    await clock.settle()
    expect(tea.getSnapshot().replies).toEqual([])
    expect(texts(tea).at(-1)).toBe('🐊 Bread and butter and jam.')
  })

  test('one is stopped, another made anew, and both are siblings', async () => {
    const { server, clock, tea } = await inTeaClub()
    const question = server.say('bob', 'tea', '@Nia?')
    const reply = server.reply('tea', 'nia', question.id).start().say('Bread.')
    await tea.stopReply(reply.runId)
    await clock.settle()
    expect(tea.getSnapshot().messages.at(-1)).toMatchObject({
      content: 'Bread.',
      reply: { status: 'stopped' },
    })
    await tea.regenerateReply(reply.messageId)
    await clock.settle()
    const [again] = tea.getSnapshot().replies
    expect(again).toMatchObject({ state: 'thinking', attempt: 2, answers: question.id })
    server
      .findReply(again?.runId ?? '', 'ada')
      .say('Scones.')
      .finish()
    await clock.settle()
    const shown = tea.getSnapshot()
    const last = shown.messages.at(-1)?.id ?? ''
    expect(siblingsOf(shown, last).map((message) => message.content)).toEqual(['Bread.', 'Scones.'])
    expect(siblingsOf(shown, question.id)).toHaveLength(1)
    expect(siblingsOf(shown, 'none')).toEqual([])
    await expect(tea.stopReply('none')).rejects.toMatchObject({ code: 'run_not_found' })
  })

  test('an end without a message is kept, with its reason', async () => {
    const { server, clock, tea } = await inTeaClub()
    const question = server.say('bob', 'tea', '@Nia?')
    server.reply('tea', 'nia', question.id).start().fail('provider_timeout')
    server.reply('tea', 'nia', question.id).reject('queue_full', 4_000)
    await clock.settle()
    expect(tea.getSnapshot().replyEnds).toMatchObject([
      { how: 'rejected', code: 'queue_full', retryAfterMs: 4_000 },
    ])
  })

  test('a run that ended with nothing said while nobody listened is over after the reconnect', async () => {
    const { server, clock, tea } = await inTeaClub()
    const question = server.say('bob', 'tea', '@Nia?')
    const reply = server.reply('tea', 'nia', question.id).start()
    await clock.settle()
    server.stop()
    reply.stop()
    server.start()
    await clock.advance(1_000)
    expect(tea.getSnapshot().replies).toEqual([])
  })
})

test('what is sent is shown between what others say and what waits', async () => {
  const { server, clock, tea } = await inTeaClub()
  tea.send('first')
  tea.send('second')
  expect(states(tea)).toEqual(['first: sending', 'second: sending'])
  server.say('bob', 'tea', 'between')
  await clock.settle()
  expect(states(tea)).toEqual(['between: sent', 'first: sent', 'second: sent'])
})
