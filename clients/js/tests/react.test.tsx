// @vitest-environment jsdom
import { act, StrictMode, useState } from 'react'
import { createRoot, hydrateRoot, type Root } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  ChatProvider,
  useClient,
  useConnection,
  useConversation,
  useConversations,
  useMessages,
  usePresence,
  useSend,
  useTyping,
} from '../src/react/index.js'
import { FakeServer } from '../src/testing/index.js'
import { ada } from './support/stage.js'

declare global {
  var IS_REACT_ACT_ENVIRONMENT: boolean
}

let server: FakeServer
let root: Root | null = null
let place: HTMLElement

beforeEach(() => {
  globalThis.IS_REACT_ACT_ENVIRONMENT = true
  server = new FakeServer()
  server.create('group', 'Tea club', 'ada', ['bob'], 'tea')
  server.create('group', 'Chess club', 'ada', ['bob'], 'chess')
  place = document.createElement('div')
})
afterEach(() => act(async () => root?.unmount()))

const passes = (ms = 0) => act(() => server.clock.advance(ms))

async function show(element: React.ReactNode): Promise<void> {
  await act(async () => {
    root ??= createRoot(place)
    root.render(element)
  })
  await passes()
}

afterEach(() => {
  root = null
})

function connected() {
  const client = ada(server)
  client.connect()
  return client
}

function Messages({ id }: { id: string }) {
  const { messages, hasOlder, loadOlder } = useMessages(id)
  return (
    <>
      <ul>{messages.map((message) => `${message.content}(${message.state}) `)}</ul>
      {hasOlder && (
        <button type="button" onClick={() => void loadOlder()}>
          Older
        </button>
      )}
    </>
  )
}

test.each([true, false])('messages come and go out, in strict mode: %s', async (isStrict) => {
  const client = connected()
  let send: ReturnType<typeof useSend> | null = null
  function Compose() {
    send = useSend('tea')
    return null
  }
  const page = (
    <ChatProvider client={client}>
      <Messages id="tea" />
      <Compose />
    </ChatProvider>
  )
  await show(isStrict ? <StrictMode>{page}</StrictMode> : page)
  server.say('bob', 'tea', 'Hello.')
  await passes()
  expect(place.textContent).toBe('Hello.(sent) ')
  await act(async () => {
    send?.('Hi.')
  })
  await passes()
  expect(place.textContent).toBe('Hello.(sent) Hi.(sent) ')
  expect(server.received.filter((command) => command.type === 'join_conversation')).toHaveLength(1)
})

test('a conversation is left after the last component that shows it is gone', async () => {
  const client = connected()
  function Page({ count }: { count: number }) {
    return (
      <StrictMode>
        <ChatProvider client={client}>
          {count > 0 && <Messages id="tea" />}
          {count > 1 && <Messages id="tea" />}
        </ChatProvider>
      </StrictMode>
    )
  }
  const leaves = () => server.received.filter((command) => command.type === 'leave_conversation').length
  await show(<Page count={2} />)
  await show(<Page count={1} />)
  await passes(10_000)
  expect(leaves()).toBe(0)
  await show(<Page count={0} />)
  await passes(10_000)
  expect(leaves()).toBe(1)
})

test('another id shows another conversation, and the old one is left', async () => {
  const client = connected()
  server.say('bob', 'tea', 'Tea.')
  server.say('bob', 'chess', 'Chess.')
  const page = (id: string) => (
    <ChatProvider client={client}>
      <Messages id={id} />
    </ChatProvider>
  )
  await show(page('tea'))
  expect(place.textContent).toBe('Tea.(sent) ')
  await show(page('chess'))
  expect(place.textContent).toBe('Chess.(sent) ')
  await passes(3_000)
  expect(client.conversation('tea').getSnapshot().status).toBe('idle')
  expect(client.conversation('chess').getSnapshot().status).toBe('live')
})

test('another client shows what that one sees', async () => {
  const [first, second] = [connected(), ada(server, { user: 'bob' })]
  second.connect()
  function Me() {
    return useConnection().userId
  }
  const page = (client: typeof first) => (
    <ChatProvider client={client}>
      <Me />
    </ChatProvider>
  )
  await show(page(first))
  expect(place.textContent).toBe('ada')
  await show(page(second))
  expect(place.textContent).toBe('bob')
})

test('a server renders the beginning, and a browser that knows more already goes on from there', async () => {
  const errors: unknown[] = []
  function State() {
    return useConnection().state
  }
  const page = (client: ReturnType<typeof ada>) => (
    <ChatProvider client={client}>
      <Messages id="tea" />
      <State />
    </ChatProvider>
  )
  place.innerHTML = renderToString(page(ada(server)))
  expect(place.textContent).toBe('closed')
  expect(server.received).toEqual([])
  const client = connected()
  client.conversation('tea').open()
  server.say('bob', 'tea', 'Hello.')
  await server.clock.settle()
  await act(async () => {
    root = hydrateRoot(place, page(client), { onRecoverableError: (error) => errors.push(error) })
  })
  await passes()
  expect(place.textContent).toBe('Hello.(sent) open')
  expect(errors).toEqual([])
})

test('typing, presence and the list follow what happens', async () => {
  const client = connected()
  const hands: { typing?: ReturnType<typeof useTyping> } = {}
  function Page() {
    const typing = useTyping('tea')
    hands.typing = typing
    const { items } = useConversations()
    const bob = usePresence('bob')
    const titles = items.map((item) => `${item.title}:${item.unread}`).join(' ')
    return `${typing.typing.join()} | ${bob?.online ?? 'unknown'} | ${titles}`
  }
  await show(
    <ChatProvider client={client}>
      <Page />
    </ChatProvider>,
  )
  expect(place.textContent).toBe(' | false | Chess club:0 Tea club:0')
  const bob = ada(server, { user: 'bob' })
  bob.connect()
  bob.conversation('tea').open()
  await passes()
  server.type('bob', 'tea')
  server.say('bob', 'chess', 'Check.')
  await passes()
  expect(place.textContent).toBe('bob | true | Chess club:1 Tea club:0')
  hands.typing?.onKey()
  hands.typing?.stop()
  await passes()
  const said = server.received.filter((command) => command.by === 'ada').map((command) => command.type)
  expect(said.slice(-2)).toEqual(['typing_start', 'typing_stop'])
})

test('nothing is rendered that has not changed', async () => {
  const client = connected()
  let renders = 0
  function Title() {
    renders += 1
    return useConversation('tea').title
  }
  await show(
    <ChatProvider client={client}>
      <Title />
    </ChatProvider>,
  )
  const before = renders
  server.beat()
  server.say('bob', 'chess', 'Elsewhere.')
  await passes(60_000)
  expect(renders).toBe(before)
})

test('what is given to children stays the same from render to render', async () => {
  const client = connected()
  const seen = new Set<unknown>()
  let again: (() => void) | null = null
  function Page() {
    const [, set] = useState(0)
    again = () => set((count) => count + 1)
    const { conversation } = useConversation('tea')
    const { onKey, stop } = useTyping('tea')
    const { loadOlder } = useMessages('tea')
    const send = useSend('tea')
    for (const value of [conversation, onKey, stop, loadOlder, send]) seen.add(value)
    return null
  }
  await show(
    <ChatProvider client={client}>
      <Page />
    </ChatProvider>,
  )
  await act(async () => again?.())
  expect(seen.size).toBe(5)
})

test('without a provider it is said what is missing', () => {
  function Page() {
    useClient()
    return null
  }
  expect(() => renderToString(<Page />)).toThrow('There is no <ChatProvider client={...}>')
})
