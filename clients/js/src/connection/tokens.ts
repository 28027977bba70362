import type { TokenSource } from '../api.js'
import { ChatError } from '../errors.js'
import type { Platform } from '../platform.js'

const SOURCE_MS = 15_000
const LEAD_MS = 60_000
const LEAST_MS = 5_000
// Browsers take a longer timeout for none at all.
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

interface Claims {
  readonly sub?: string
  readonly exp?: number
}

/** The user's tokens: asked for, kept, and renewed before they end. */
export class Tokens {
  readonly #source: () => string | Promise<string>
  /** True if there may be another token than the one that is held. */
  readonly renewable: boolean
  readonly #platform: Platform
  #token: string | null = null

  constructor(source: TokenSource, platform: Platform) {
    this.#platform = platform
    this.renewable = typeof source === 'function'
    this.#source = typeof source === 'function' ? source : () => source
    if (typeof source === 'string') this.#token = source
  }

  /** Whom the token names, as far as that can be read; the server alone can believe it. */
  get subject(): string | undefined {
    return this.#claims().sub
  }

  /** Ask for a token. Rejects with whatever the source throws, and with `timeout` after 15 s. */
  async fresh(): Promise<string> {
    this.#token = await within(this.#platform, SOURCE_MS, async () => this.#source())
    return this.#token
  }

  /** The token that is held, or another one if it has ended or is about to. */
  async current(): Promise<string> {
    const { exp } = this.#claims()
    const hasEnded = exp !== undefined && exp * 1000 < this.#platform.now() + LEAST_MS
    return this.#token === null || hasEnded ? this.fresh() : this.#token
  }

  /** In how many milliseconds the token has to be renewed; undefined if it cannot be, or never ends. */
  renewInMs(): number | undefined {
    const { exp } = this.#claims()
    if (exp === undefined || !this.renewable) return undefined
    const left = exp * 1000 - this.#platform.now()
    return Math.min(LONGEST_TIMEOUT_MS, Math.max(LEAST_MS, left - Math.min(LEAD_MS, left / 5)))
  }

  #claims(): Claims {
    try {
      const [, payload = ''] = (this.#token ?? '').split('.')
      const bytes = Uint8Array.from(atob(payload.replace(/-/g, '+').replace(/_/g, '/')), (char) =>
        char.charCodeAt(0),
      )
      return JSON.parse(new TextDecoder().decode(bytes)) as Claims
    } catch {
      return {} // Not a JWT that can be read here; the server may know better.
    }
  }
}

async function within<T>(platform: Platform, ms: number, work: () => Promise<T>): Promise<T> {
  let timer: unknown
  const timeout = new Promise<never>((_, reject) => {
    timer = platform.setTimeout(() => reject(new ChatError('timeout')), ms)
  })
  try {
    return await Promise.race([work(), timeout])
  } finally {
    platform.clearTimeout(timer)
  }
}
