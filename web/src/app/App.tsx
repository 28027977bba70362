import { ChatProvider } from '@gator/chat/react'
import { Button } from '../design/Button.tsx'
import { Empty } from '../design/Empty.tsx'
import { Loading } from '../design/Loading.tsx'
import { Notes } from '../design/notes.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { useValue } from '../lib/value.ts'
import { Enter } from '../session/Enter.tsx'
import { begin, session } from '../session/session.ts'
import { Shell } from './Shell.tsx'

export function App() {
  return (
    <>
      <Screen />
      <Notes />
    </>
  )
}

function Screen() {
  const { t } = useTranslation()
  const now = useValue(session)
  switch (now.state) {
    case 'loading':
      return (
        <main>
          <Loading />
        </main>
      )
    case 'unreachable':
      return (
        <main className="enter">
          <Empty whole icon="offline" title={t('enter.unreachable')} text={t('enter.unreachableHint')}>
            <Button kind="primary" icon="refresh" onClick={() => void begin()}>
              {t('common.again')}
            </Button>
          </Empty>
        </main>
      )
    case 'outside':
      return <Enter config={now.config} error={now.error} />
    case 'inside':
      return (
        <ChatProvider client={now.client}>
          <Shell config={now.config} />
        </ChatProvider>
      )
    default:
      return now satisfies never
  }
}
