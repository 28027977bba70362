import type { ConfigOut, LoginOut } from '@gator/chat'

/** What the server says of itself to whoever asks. */
export type ServerConfig = ConfigOut

export type OidcConfig = LoginOut

/**
 * Ask the server how people come in.
 *
 * @throws an Error if it cannot be reached or answers with anything but a description.
 */
export async function loadConfig(): Promise<ServerConfig> {
  const response = await fetch('/api/v1/config', { signal: AbortSignal.timeout(10_000) })
  if (!response.ok) throw new Error(`GET /api/v1/config: ${response.status}`)
  return (await response.json()) as ServerConfig
}
