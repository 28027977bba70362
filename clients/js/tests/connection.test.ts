import { describe, expect, test } from 'vitest'
import { backoff } from '../src/connection/backoff.js'
import { type Cause, type ConnectionState, next, TRANSITIONS } from '../src/connection/states.js'
import type { ChatClient } from '../src/index.js'
import { VirtualClock } from '../src/testing/index.js'
import { begin, inTeaClub, texts } from './support/stage.js'

function history(client: ChatClient): string[] {
  const seen: string[] = []
  client.connection.subscribe(() => {
    const { state, reason } = client.connection.getSnapshot()
    seen.push(`${state}: ${reason}`)
  })
  return seen
}

describe('the table', () => {
  const states = Object.keys(TRANSITIONS) as ConnectionState[]

  test('no state is a trap, and each can be reached', () => {
    for (const state of states) {
      const targets = Object.values(TRANSITIONS[state])
      expect(targets.some((target) => target !== state)).toBe(true)
    }
    const reached = new Set(states.flatMap((state) => Object.values(TRANSITIONS[state])))
    expect([...reached].sort()).toEqual([...states].sort())
  })

  test.each(states.filter((state) => state !== 'closed'))('close() ends %s', (state) => {
    expect(next(state, 'closed')).toBe('closed')
  })

  test.each<Cause>(['online', 'visible', 'restored', 'retry_due', 'welcomed', 'lost'])(
    'whoever has closed is not connected by %s',
    (cause) => {
      expect(next('closed', cause)).toBeUndefined()
    },
  )
})

describe('backoff', () => {
  test('doubles its ceiling up to 30 s and uses all of the space below', () => {
    const ceilings = [1, 2, 3, 4, 5, 6, 7, 50].map((failures) => backoff(failures, 1 - Number.EPSILON))
    expect(ceilings).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    expect(backoff(9, 0)).toBe(0)
  })
})

test('a connection goes through its states and names the reasons', async () => {
  const { server, client, clock } = await begin()
  expect(client.connection.getSnapshot()).toMatchObject({ state: 'open', reason: 'caught_up', userId: 'ada' })
  expect(client.connection.getSnapshot().limits?.max_message_chars).toBe(5_000)
  const seen = history(client)
  server.cut()
  await clock.settle()
  const { state, retryAt, code } = client.connection.getSnapshot()
  expect([state, code, retryAt]).toEqual(['waiting', 1006, clock.now() + 500])
  await clock.advance(500)
  client.close()
  expect(seen).toEqual([
    'waiting: lost',
    'connecting: retry_due',
    'catching_up: welcomed',
    'open: caught_up',
    'closed: closed',
  ])
  await clock.advance(3_600_000)
  expect(server.connections).toBe(0)
})

test('with every failure the wait grows, and after success it begins anew', async () => {
  const { server, client, clock } = await begin()
  const waits: number[] = []
  client.connection.subscribe(() => {
    const { retryAt } = client.connection.getSnapshot()
    if (retryAt !== undefined) waits.push(retryAt - clock.now())
  })
  server.stop()
  await clock.advance(60_000)
  expect(waits.slice(0, 7)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000])
  server.start()
  await clock.advance(30_000)
  expect(client.connection.getSnapshot().state).toBe('open')
  waits.length = 0
  server.cut()
  await clock.advance(1)
  expect(waits).toEqual([500])
})

test.each([1002, 1007, 1008, 1009])('after the closing code %i it stays away', async (code) => {
  const { server, client, clock } = await begin()
  server.cut(code)
  await clock.advance(600_000)
  expect(client.connection.getSnapshot()).toMatchObject({ state: 'closed', reason: 'refused', code })
  expect(server.connections).toBe(0)
  client.connect()
  await clock.settle()
  expect(client.connection.getSnapshot().state).toBe('open')
})

test.each([1000, 1001, 1005, 1006, 1011, 1012, 1013, 4001, 4008, 4999])(
  'after the closing code %i it comes back',
  async (code) => {
    const { server, client, clock } = await begin()
    server.cut(code)
    await clock.advance(1_000)
    expect(client.connection.getSnapshot().state).toBe('open')
  },
)

test('who was closed for haste stays away for a minute', async () => {
  const { server, client, clock } = await begin()
  server.cut(4029)
  await clock.advance(60_000)
  expect(client.connection.getSnapshot().state).toBe('waiting')
  await clock.advance(1_000)
  expect(client.connection.getSnapshot().state).toBe('open')
})

test('asked to come back later, it finishes what is under way and comes back then', async () => {
  const { server, client, clock, tea } = await inTeaClub()
  server.askToReconnect(7_000)
  await clock.advance(1_000)
  tea.send('Still going through.')
  await clock.settle()
  expect(server.log('tea').messages.map((message) => message.content)).toEqual(['Still going through.'])
  server.cut(1012)
  await clock.settle()
  expect(client.connection.getSnapshot()).toMatchObject({ state: 'waiting', reason: 'server_restarts' })
  await clock.advance(5_999)
  expect(client.connection.getSnapshot().state).toBe('waiting')
  await clock.advance(1)
  expect(client.connection.getSnapshot().state).toBe('open')
})

test('asked to come back later by a server that does not go, it comes back all the same', async () => {
  const { server, client, clock } = await begin()
  const seen = history(client)
  server.askToReconnect(7_000)
  await clock.advance(7_001)
  expect(seen.slice(0, 2)).toEqual(['waiting: server_restarts', 'connecting: retry_due'])
  expect(client.connection.getSnapshot().state).toBe('open')
})

test.each(['online', 'visible', 'restored'] as const)('%s ends the wait', async (reason) => {
  const { server, client, clock } = await begin()
  server.stop()
  await clock.advance(30_000)
  server.start()
  expect(client.connection.getSnapshot().state).toBe('waiting')
  server.wake(reason)
  await clock.settle()
  expect(client.connection.getSnapshot().state).toBe('open')
})

test('a socket that says nothing any more is given up within one heartbeat', async () => {
  const { server, client, clock } = await begin({ heartbeatMs: 25_000 })
  const seen = history(client)
  server.freeze()
  await clock.advance(24_999)
  expect(seen).toEqual([
    'waiting: silent',
    'connecting: retry_due',
    'catching_up: welcomed',
    'open: caught_up',
  ])
})

test('a socket that is only quiet is asked, and kept', async () => {
  const { server, client, clock } = await begin()
  const seen = history(client)
  await clock.advance(600_000)
  expect(seen).toEqual([])
  const beats = server.received.filter((command) => command.type === 'heartbeat')
  expect(beats.length).toBeGreaterThan(20)
  expect(beats.length).toBeLessThan(50)
})

test('while heartbeats come in time nothing more is asked than between two of them', async () => {
  const { server, clock } = await begin({ heartbeatMs: 25_000 })
  for (let beat = 0; beat < 10; beat += 1) {
    await clock.advance(12_000)
    server.beat()
  }
  expect(server.received.filter((command) => command.type === 'heartbeat')).toEqual([])
})

test('a page that is looked at again asks at once whether its connection still lives', async () => {
  const { server, client, clock } = await begin()
  const seen = history(client)
  server.freeze()
  server.wake('visible')
  await clock.advance(5_000)
  expect(seen).toEqual(['waiting: silent'])
  await clock.advance(1_000)
  expect(client.connection.getSnapshot().state).toBe('open')
})

test('after a freeze of the tab the connection is asked before it is judged', async () => {
  const { server, client, clock } = await begin()
  const seen = history(client)
  await clock.sleep(3_600_000)
  await clock.advance(10_000)
  expect(seen).toEqual([])
  server.freeze()
  await clock.sleep(3_600_000)
  expect(seen).toEqual([])
  await clock.advance(5_000)
  expect(seen).toEqual(['waiting: silent'])
})

test('a server that takes the connection and never greets is given up', async () => {
  const { server, client, clock } = await begin()
  server.cut()
  await clock.settle()
  server.loseNext('online_users')
  await clock.advance(500)
  expect(client.connection.getSnapshot().state).toBe('connecting')
  await clock.advance(10_000)
  expect(client.connection.getSnapshot()).toMatchObject({ state: 'waiting', reason: 'silent' })
  await clock.advance(2_000)
  expect(client.connection.getSnapshot().state).toBe('open')
})

test('catching up ends when every open conversation has what it missed', async () => {
  const { server, client, clock, tea } = await inTeaClub()
  server.stop()
  await clock.settle()
  for (const text of ['one', 'two', 'three']) server.say('bob', 'tea', text)
  server.start()
  const seen: [string, number][] = []
  client.connection.subscribe(() => seen.push([client.connection.getSnapshot().state, texts(tea).length]))
  await clock.advance(1_000)
  expect(seen).toEqual([
    ['connecting', 0],
    ['catching_up', 0],
    ['open', 3],
  ])
})

describe('tokens', () => {
  const jwt = (claims: object) => `e30.${btoa(JSON.stringify(claims)).replace(/=+$/, '')}.c2ln`

  test('a token is asked for, sent as a subprotocol, and names the user', async () => {
    const { client } = await begin({ client: { user: 'nobody', token: async () => jwt({ sub: 'ada' }) } })
    expect(client.connection.getSnapshot()).toMatchObject({ state: 'open', userId: 'ada' })
    expect(await client.http.me()).toMatchObject({ id: 'ada' })
  })

  test('it is renewed in band before it ends, again and again', async () => {
    const time = new VirtualClock()
    const tokens: string[] = []
    const { server, client, clock } = await begin({
      client: {
        token: () => {
          const token = jwt({ sub: 'ada', exp: time.now() / 1000 + 600 })
          tokens.push(token)
          return token
        },
      },
      clock: time,
    })
    const seen = history(client)
    await clock.advance(1_700_000)
    const renewed = server.received.filter((command) => command.type === 'refresh_token')
    expect(renewed.map((command) => command.token)).toEqual(tokens.slice(1))
    expect(renewed).toHaveLength(3)
    expect(seen).toEqual([])
  })

  test('a source that fails is asked again, later and later', async () => {
    let asked = 0
    const { client, clock, server } = await begin({
      client: {
        token: async () => {
          asked += 1
          if (asked < 4) throw new Error('The login has gone to lunch.')
          return jwt({ sub: 'ada' })
        },
      },
    })
    expect(client.connection.getSnapshot()).toMatchObject({ state: 'waiting', reason: 'token_failed' })
    await clock.advance(10_000)
    expect(asked).toBe(4)
    expect(server.connections).toBe(1)
  })

  test('a source that never answers is given up after 15 s', async () => {
    const { client, clock } = await begin({ client: { token: () => new Promise<string>(() => {}) } })
    expect(client.connection.getSnapshot().state).toBe('connecting')
    await clock.advance(15_000)
    expect(client.connection.getSnapshot()).toMatchObject({ state: 'waiting', reason: 'token_failed' })
  })

  test('over HTTP a token that is not taken any more is replaced once', async () => {
    let asked = 0
    const token = () => {
      asked += 1
      return jwt({ sub: 'ada' })
    }
    const { server, client } = await begin({ client: { token } })
    server.answerNext('GET', '/api/v1/users/me', 401, { code: 'invalid_token', detail: 'It has ended.' })
    expect(await client.http.me()).toMatchObject({ id: 'ada' })
    expect(asked).toBe(2)
    for (let time = 0; time < 2; time += 1)
      server.answerNext('GET', '/api/v1/users/me', 401, { code: 'invalid_token' })
    await expect(client.http.me()).rejects.toMatchObject({ code: 'invalid_token', status: 401 })
  })
})
