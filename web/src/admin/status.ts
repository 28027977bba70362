import { useEffect, useState } from 'react'
import { getJson } from '../session/session.ts'

/** What `GET /api/v1/admin/status` tells operators. */
export interface AdminStatus {
  readonly version: string
  readonly timestamp: string
  readonly uptime_s: number
  readonly memory_bytes: number | null
  readonly window_s: number
  readonly connections: {
    readonly open: number
    readonly limit: number
    readonly opened_per_s: number
    readonly closed_per_minute: Readonly<Record<string, number>>
  }
  readonly users_online: number
  readonly conversations: { readonly held: number; readonly joined: number }
  readonly traffic: {
    readonly commands_per_s: number
    readonly messages_per_s: number
    readonly deliveries_per_s: number
    readonly http_requests_per_s: number
  }
  readonly latency: {
    readonly commit: Percentiles
    readonly delivery: Percentiles
    readonly http: Percentiles
  }
  readonly journal: { readonly waiting: number; readonly limit: number }
  readonly readers: { readonly catching_up: number; readonly outbox_bytes: number }
  readonly errors_per_minute: {
    readonly refused: Readonly<Record<string, number>>
    readonly failed: Readonly<Record<string, number>>
    readonly providers: Readonly<Record<string, number>>
  }
  readonly replies: {
    readonly running: number
    readonly waiting: number
    readonly providers: readonly { readonly name: string; readonly state: string; readonly slots: number }[]
  }
  readonly top_conversations: readonly TopConversation[]
}

export interface Percentiles {
  readonly count: number
  readonly p50_ms: number | null
  readonly p95_ms: number | null
  readonly p99_ms: number | null
}

export interface TopConversation {
  readonly id: string
  readonly kind: string | null
  readonly title: string | null
  readonly member_count: number | null
  readonly joined: number
  readonly messages_per_s: number
  readonly deliveries_per_s: number
}

const EVERY_MS = 2_000
/** Two minutes of history. */
const MAX_KEPT = 60

export interface Watched {
  /** Oldest first. */
  readonly history: readonly AdminStatus[]
  readonly error: unknown
}

/** Watch the server: asks every two seconds, for as long as the page is looked at. */
export function useStatus(): Watched {
  const [watched, setWatched] = useState<Watched>({ history: [], error: null })

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let mounted = true

    async function ask() {
      if (document.visibilityState === 'visible') {
        try {
          const status = await getJson<AdminStatus>('/api/v1/admin/status')
          if (mounted)
            setWatched(({ history }) => ({ history: [...history.slice(1 - MAX_KEPT), status], error: null }))
        } catch (error) {
          if (mounted) setWatched(({ history }) => ({ history, error }))
        }
      }
      if (mounted) timer = setTimeout(ask, EVERY_MS)
    }

    void ask()
    return () => {
      mounted = false
      clearTimeout(timer)
    }
  }, [])

  return watched
}
