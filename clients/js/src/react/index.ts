import {
  createContext,
  createElement,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useSyncExternalStore,
} from 'react'
import type { ChatClient, Conversation, SendOptions } from '../api.js'
import type {
  ConnectionSnapshot,
  ConversationListSnapshot,
  ConversationSnapshot,
  MessageItem,
  UserPresence,
} from '../snapshots.js'
import type { Store } from '../store.js'

const ClientContext = createContext<ChatClient | null>(null)

/** Hand a client to everything below. Connecting and closing it stays with whoever made it. */
export function ChatProvider(props: { client: ChatClient; children?: ReactNode }): ReactNode {
  return createElement(ClientContext.Provider, { value: props.client }, props.children)
}

/** The client of the nearest `ChatProvider`. */
export function useClient(): ChatClient {
  const client = useContext(ClientContext)
  if (client === null) throw new Error('There is no <ChatProvider client={...}> above this component.')
  return client
}

/** The state of the connection. */
export function useConnection(): ConnectionSnapshot {
  return useStore(useClient().connection)
}

/** The list of the user's conversations; it is loaded when it is first shown. */
export function useConversations(): ConversationListSnapshot {
  const { conversations } = useClient()
  useEffect(() => {
    if (conversations.getSnapshot().status === 'idle') void conversations.load()
  }, [conversations])
  return useStore(conversations)
}

/** One conversation, joined for as long as the component is mounted: its state, and what can be done. */
export function useConversation(id: string): ConversationSnapshot & { conversation: Conversation } {
  const conversation = useClient().conversation(id)
  useEffect(() => conversation.open(), [conversation])
  const snapshot = useStore(conversation)
  return useMemo(() => ({ ...snapshot, conversation }), [snapshot, conversation])
}

/** The messages of a conversation, joined for as long as the component is mounted. */
export function useMessages(id: string): {
  messages: readonly MessageItem[]
  hasOlder: boolean
  loadingOlder: boolean
  loadOlder: () => Promise<void>
} {
  const { messages, hasOlder, loadingOlder, conversation } = useConversation(id)
  const loadOlder = useCallback(() => conversation.loadOlder(), [conversation])
  return { messages, hasOlder, loadingOlder, loadOlder }
}

/** Who else is typing; `onKey` belongs on the input's change, `stop` where its text is thrown away. */
export function useTyping(id: string): {
  typing: readonly string[]
  onKey: () => void
  stop: () => void
} {
  const { typing, conversation } = useConversation(id)
  const onKey = useCallback(() => conversation.typing(), [conversation])
  const stop = useCallback(() => conversation.stopTyping(), [conversation])
  return { typing, onKey, stop }
}

/** Whether a user is online; undefined for somebody who was not heard of. */
export function usePresence(userId: string): UserPresence | undefined {
  return useStore(useClient().presence).get(userId)
}

/** Say something in a conversation, which need not be open. */
export function useSend(id: string): (content: string, options?: SendOptions) => string {
  const conversation = useClient().conversation(id)
  return useCallback((content, options) => conversation.send(content, options), [conversation])
}

function useStore<S>(store: Store<S>): S {
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getInitialSnapshot)
}
