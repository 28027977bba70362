import type { Me } from '@gator/chat'
import { useClient, useConnection } from '@gator/chat/react'
import { useEffect, useState } from 'react'
import { codeOf } from '../lib/errors.ts'
import { goOut } from '../session/session.ts'

/** Who the server takes us for. Until it has said so, the id is empty or the one that was given. */
export function useMe(): Pick<Me, 'id' | 'name' | 'avatar' | 'roles'> {
  const { http } = useClient()
  const { userId } = useConnection()
  const [me, setMe] = useState<Me | null>(null)

  // biome-ignore lint/correctness/useExhaustiveDependencies: another connection may know more
  useEffect(() => {
    let wanted = true
    http.me().then(
      (found) => wanted && setMe(found),
      (error: unknown) => {
        const code = codeOf(error)
        if (code === 'invalid_token' || code === 'not_authenticated') void goOut(error)
        // Without an answer the page shows the id, and asks again with the next connection.
      },
    )
    return () => {
      wanted = false
    }
  }, [http, userId])

  return me ?? { id: userId ?? '', name: null, avatar: null, roles: [] }
}
