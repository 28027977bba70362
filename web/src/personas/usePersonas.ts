import type { PersonaRow } from '@gator/chat'
import { useClient } from '@gator/chat/react'
import { useCallback, useEffect, useState } from 'react'

interface Filter {
  readonly query: string
  readonly mine: boolean
}

interface Found {
  readonly personas: readonly PersonaRow[]
  readonly cursor: string | null
  readonly status: 'loading' | 'ready' | 'failed'
  readonly error?: unknown
}

const NO_FILTER: Filter = { query: '', mine: false }
const NOTHING: Found = { personas: [], cursor: null, status: 'loading' }

/** The personas that one may ask, as far as they have been loaded. Without a filter no more are asked for. */
export function usePersonas(
  filter: Filter | null,
): Found & { readonly loadMore: () => void; readonly reload: () => void } {
  const { http } = useClient()
  const { query, mine } = filter ?? NO_FILTER
  const wanting = filter !== null
  const [found, setFound] = useState<Found>(NOTHING)
  const [round, setRound] = useState(0)

  // biome-ignore lint/correctness/useExhaustiveDependencies: another round asks again
  useEffect(() => {
    if (!wanting) return
    let wanted = true
    http.personas.list({ mine, query }).then(
      (page) => {
        if (wanted) setFound({ personas: page.personas, cursor: page.next_cursor, status: 'ready' })
      },
      (error: unknown) => {
        if (wanted) setFound({ ...NOTHING, status: 'failed', error })
      },
    )
    return () => {
      wanted = false
    }
  }, [http, query, mine, wanting, round])

  const loadMore = useCallback(() => {
    if (found.cursor === null) return
    http.personas.list({ mine, query, cursor: found.cursor }).then(
      (page) =>
        setFound((before) =>
          before.cursor === found.cursor
            ? { personas: [...before.personas, ...page.personas], cursor: page.next_cursor, status: 'ready' }
            : before,
        ),
      (error: unknown) => setFound((before) => ({ ...before, status: 'failed', error })),
    )
  }, [http, query, mine, found.cursor])

  const reload = useCallback(() => setRound((number) => number + 1), [])
  return { ...found, loadMore, reload }
}
