import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const GATOR = process.env.GATOR ?? join(ROOT, '.venv/bin/gator')
const START_MS = 60_000

/** The real server as a process of its own, with data of its own. */
export class RealServer {
  readonly port: number
  readonly #data: string
  readonly #settings: Readonly<Record<string, string>>
  #process: ChildProcess | null = null

  private constructor(port: number, settings: Readonly<Record<string, string>>) {
    this.port = port
    this.#data = mkdtempSync(join(tmpdir(), 'gator-sdk-'))
    this.#settings = settings
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<RealServer> {
    const server = new RealServer(await freePort(), settings)
    await server.start()
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Start, and wait until it serves. */
  async start(): Promise<void> {
    const env = {
      ...process.env,
      ...this.#settings,
      GATOR_DATA: this.#data,
      GATOR_REPLY_PROVIDER: 'scripted',
    }
    const child = spawn(GATOR, ['serve', '--port', String(this.port)], { cwd: ROOT, env, stdio: 'pipe' })
    this.#process = child
    let said = ''
    child.stderr?.on('data', (chunk) => {
      said = `${said}${chunk}`.slice(-4_000)
    })
    child.stdout?.resume()
    const giveUp = AbortSignal.timeout(START_MS)
    for (;;) {
      if (child.exitCode !== null || giveUp.aborted) {
        await this.kill()
        throw new Error(`The server did not start: ${said}`)
      }
      const isUp = await fetch(`${this.url}/readyz`).then(
        (answer) => answer.ok,
        () => false,
      )
      if (isUp) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** End it without a warning, as a power cut does. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#process
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
    this.#process = null
  }

  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.#data, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('There is no free port.')
  return address.port
}
