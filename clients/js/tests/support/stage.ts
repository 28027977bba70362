import { createClient } from '../../src/client.js'
import type { ClientOptions, Conversation } from '../../src/index.js'
import { memoryOutbox } from '../../src/outbox/outbox.js'
import { FakeServer, type FakeServerOptions } from '../../src/testing/index.js'

/** A fake server, and Ada's client of it, connected. */
export async function begin(options: FakeServerOptions & { client?: Partial<ClientOptions> } = {}) {
  const server = new FakeServer(options)
  const client = ada(server, options.client)
  client.connect()
  await server.clock.settle()
  return { server, client, clock: server.clock }
}

/** One more client of Ada's, which has yet to connect. */
export function ada(server: FakeServer, options: Partial<ClientOptions> = {}) {
  return createClient({
    url: server.url,
    user: 'ada',
    platform: server.platform(),
    outbox: memoryOutbox(),
    ...options,
  })
}

/** As `begin`, with a conversation that Ada has open. */
export async function inTeaClub(options: Parameters<typeof begin>[0] = {}) {
  const { server, client, clock } = await begin(options)
  server.create('group', 'Tea club', 'ada', ['bob'], 'tea')
  const tea = client.conversation('tea')
  const close = tea.open()
  await clock.settle()
  return { server, client, clock, tea, close }
}

export function texts(conversation: Conversation): string[] {
  return conversation.getSnapshot().messages.map((message) => message.content)
}

export function states(conversation: Conversation): string[] {
  return conversation.getSnapshot().messages.map((message) => `${message.content}: ${message.state}`)
}
