import type { ConnectionSnapshot } from '@gator/chat'
import { useClient, useConnection } from '@gator/chat/react'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { Button } from '../design/Button.tsx'
import { Icon } from '../design/Icon.tsx'
import { useTranslation } from '../i18n/useTranslation.ts'
import { goOut } from '../session/session.ts'

/** A short stop for breath is no news: the banner waits this long before it says anything. */
const PATIENCE_MS = 1_200

/** Says that there is no connection, what waits for it, and what one can do. */
export function ConnectionBanner() {
  const { t } = useTranslation()
  const client = useClient()
  const connection = useConnection()
  const { waiting } = useSyncExternalStore(client.outbox.subscribe, client.outbox.getSnapshot)
  const away = useAway(connection)
  const seconds = useSecondsUntil(connection.retryAt)
  if (!away) return null
  const refused = connection.state === 'closed'
  return (
    <div className="banner" role="status">
      <Icon name="offline" size={18} />
      <p>
        <strong>{t(refused ? 'connection.refused' : 'connection.offline')}</strong>{' '}
        {refused
          ? t('connection.refusedHint', { code: connection.code ?? 0 })
          : t('connection.kept', { count: waiting })}
      </p>
      {!refused && seconds > 0 && (
        <span className="banner-wait">{t('connection.retryIn', { count: seconds })}</span>
      )}
      <Button small onClick={() => (refused ? client.connect() : client.reconnect())}>
        {t('connection.now')}
      </Button>
      {(refused || connection.reason === 'token_failed') && (
        <Button small onClick={() => void goOut()}>
          {t('menu.goOut')}
        </Button>
      )}
    </div>
  )
}

function useAway({ state }: ConnectionSnapshot): boolean {
  const online = state === 'open' || state === 'catching_up'
  const [away, setAway] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setAway(!online), online ? 0 : PATIENCE_MS)
    return () => clearTimeout(timer)
  }, [online])
  return away && !online
}

function useSecondsUntil(at: number | undefined): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (at === undefined) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [at])
  return at === undefined ? 0 : Math.max(0, Math.ceil((at - now) / 1000))
}
