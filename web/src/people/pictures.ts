import type { ChatClient } from '@gator/chat'
import { useClient } from '@gator/chat/react'
import { useEffect, useState } from 'react'

const MAX_KEPT = 200

/** Pictures as object URLs, by address. The one unused longest goes when there are more than 200. */
class Pictures {
  readonly #client: ChatClient
  readonly #kept = new Map<string, Promise<string | null>>()

  constructor(client: ChatClient) {
    this.#client = client
  }

  load(address: string): Promise<string | null> {
    const found = this.#kept.get(address) ?? this.#fetch(address)
    this.#kept.delete(address)
    this.#kept.set(address, found)
    this.#dropOldest()
    return found
  }

  async #fetch(address: string): Promise<string | null> {
    try {
      return URL.createObjectURL(await this.#client.http.personas.avatar(address))
    } catch {
      // A face without its picture shows initials; the next visit asks again.
      this.#kept.delete(address)
      return null
    }
  }

  #dropOldest(): void {
    const [oldest] = this.#kept
    if (this.#kept.size <= MAX_KEPT || oldest === undefined) return
    this.#kept.delete(oldest[0])
    void oldest[1].then((url) => url && URL.revokeObjectURL(url))
  }
}

const picturesOf = new WeakMap<ChatClient, Pictures>()

function pictures(client: ChatClient): Pictures {
  const found = picturesOf.get(client) ?? new Pictures(client)
  picturesOf.set(client, found)
  return found
}

/**
 * A picture to show for an address, once it is here. Only pictures that this server keeps are loaded: one of
 * another host would tell that host who reads what, and when.
 */
export function usePicture(address: string | null | undefined): string | null {
  const client = useClient()
  const [shown, setShown] = useState<{ address: string; url: string | null } | null>(null)
  const own = address?.startsWith('/api/') ? address : null

  useEffect(() => {
    if (own === null) return
    let wanted = true
    void pictures(client)
      .load(own)
      .then((url) => {
        if (wanted) setShown({ address: own, url })
      })
    return () => {
      wanted = false
    }
  }, [client, own])

  return own !== null && shown?.address === own ? shown.url : null
}
