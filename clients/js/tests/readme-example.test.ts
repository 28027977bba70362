import { expect, test } from 'vitest'
import { createClient } from '../src/index.js'
import { FakeServer } from '../src/testing/index.js'

test('what is written offline is sent later', async () => {
  const server = new FakeServer()
  const client = createClient({ url: server.url, user: 'ada', platform: server.platform() })
  const tea = client.conversation('tea-club')
  tea.open()
  client.connect()
  await server.clock.settle() // until nothing is left to do that needs no time

  server.say('bob', 'tea-club', 'Anybody there?')
  server.stop()
  await server.clock.settle()
  tea.send('Yes!')
  expect(tea.getSnapshot().messages.at(-1)?.state).toBe('sending')

  server.start()
  await server.clock.advance(5_000) // five seconds pass
  expect(server.log('tea-club').messages.map((message) => message.content)).toEqual([
    'Anybody there?',
    'Yes!',
  ])
  client.close()
})
