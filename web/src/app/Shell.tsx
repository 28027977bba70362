import { useConnection, useConversations } from '@gator/chat/react'
import { lazy, Suspense, useEffect, useState } from 'react'
import { ConversationList } from '../conversations/ConversationList.tsx'
import { ConversationPane } from '../conversations/ConversationPane.tsx'
import { NewConversation } from '../conversations/NewConversation.tsx'
import { Loading } from '../design/Loading.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import type { ServerConfig } from '../session/config.ts'
import { ConnectionBanner } from './ConnectionBanner.tsx'
import { Home } from './Home.tsx'
import { type Route, useRoute } from './routes.ts'
import './shell.css'
import { ShortcutHelp } from './ShortcutHelp.tsx'
import { SidebarHead } from './SidebarHead.tsx'
import { Switcher } from './Switcher.tsx'
import { UserBar } from './UserBar.tsx'
import { useMe } from './useMe.ts'
import { useShortcuts } from './useShortcuts.ts'

const Gallery = lazy(() => import('../personas/Gallery.tsx'))
const Editor = lazy(() => import('../personas/Editor.tsx'))
const Admin = lazy(() => import('../admin/Admin.tsx'))

export type Overlay = 'new' | 'switch' | 'shortcuts'

/** The frame around everything: the list at the side, what is chosen beside it, and what floats above. */
export function Shell({ config }: { readonly config: ServerConfig }) {
  const { t } = useTranslation()
  const route = useRoute()
  const [overlay, setOverlay] = useState<Overlay | null>(null)
  const me = useMe()
  useShortcuts({
    onSwitch: () => setOverlay('switch'),
    onHelp: () => setOverlay('shortcuts'),
    onNew: () => setOverlay('new'),
  })
  useTitle()
  const close = () => setOverlay(null)
  const selected = route.name === 'conversation' ? route.id : null

  return (
    <main className={route.name === 'home' ? 'shell shell-home' : 'shell'}>
      <a className="skip" href="#content">
        {t('common.skip')}
      </a>
      <ConnectionBanner />
      <nav className="sidebar" aria-label={t('conversations.list')}>
        <SidebarHead onNew={() => setOverlay('new')} onSwitch={() => setOverlay('switch')} />
        <div className="sidebar-list scroll">
          <ConversationList selected={selected} me={me.id} onNew={() => setOverlay('new')} />
        </div>
        <UserBar me={me} config={config} onShortcuts={() => setOverlay('shortcuts')} />
      </nav>
      <div className="content" id="content" tabIndex={-1}>
        <Suspense fallback={<Loading />}>
          <Content route={route} me={me.id} onNew={() => setOverlay('new')} />
        </Suspense>
      </div>
      {overlay === 'new' && <NewConversation onClose={close} />}
      {overlay === 'switch' && <Switcher onClose={close} onNew={() => setOverlay('new')} />}
      {overlay === 'shortcuts' && <ShortcutHelp onClose={close} />}
    </main>
  )
}

interface ContentProps {
  readonly route: Route
  readonly me: string
  readonly onNew: () => void
}

function Content({ route, me, onNew }: ContentProps) {
  const { userId } = useConnection()
  switch (route.name) {
    case 'home':
      return <Home onNew={onNew} />
    case 'conversation':
      // Who is who is known with the first connection; before that, one's own messages would look like others'.
      if (me === '' && userId === undefined) return <Loading />
      return <ConversationPane key={route.id} id={route.id} me={me} />
    case 'personas':
      return <Gallery />
    case 'new-persona':
      return <Editor id={null} />
    case 'persona':
      return <Editor key={route.id} id={route.id} />
    case 'admin':
      return <Admin />
    default:
      return route satisfies never
  }
}

/** How much is unread stands in the title, where tabs show it. */
function useTitle(): void {
  const { items } = useConversations()
  const unread = items.reduce((sum, item) => sum + item.unread, 0)
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Gator Chat` : 'Gator Chat'
  }, [unread])
}
