import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** Start a real server with an empty database on a free port; `GATOR` names the command, with its arguments. */
export async function startServer(settings = {}) {
  const data = await mkdtemp(join(tmpdir(), 'gator-page-'))
  const [command, ...given] = (process.env.GATOR ?? '../.venv/bin/gator').split(' ')
  const child = spawn(command, [...given, 'serve', '--port', '0'], {
    env: { ...process.env, GATOR_DATA: data, GATOR_LIMITS: 'off', GATOR_LOG_FORMAT: 'text', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const url = await addressOf(child)
  return {
    url,
    pid: child.pid,
    async close() {
      const gone = new Promise((exit) => child.once('exit', exit))
      child.kill('SIGTERM')
      await gone
      await rm(data, { recursive: true, force: true })
    },
  }
}

function addressOf(child) {
  return new Promise((found, failed) => {
    const log = []
    const read = (line) => {
      log.push(line)
      const address = /listening.*?(http:\/\/[\d.]+:\d+)/.exec(line)?.[1]
      if (address) found(address)
    }
    createInterface({ input: child.stdout }).on('line', read)
    createInterface({ input: child.stderr }).on('line', read)
    child.once('exit', () => failed(new Error(`The server did not start:\n${log.join('\n')}`)))
  })
}

/** Somebody who talks to the server over HTTP, in open mode. */
export function user(url, name) {
  async function ask(method, path, body, type = 'application/json') {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { 'X-Gator-User': name, ...(body === undefined ? {} : { 'Content-Type': type }) },
      body: body === undefined ? null : type === 'application/json' ? JSON.stringify(body) : body,
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response.status === 204 ? null : response.json()
  }
  return {
    name,
    ask,
    create: (kind, members, title) =>
      ask('POST', '/conversations', { kind, member_ids: members, ...(title ? { title } : {}) }),
    say: (id, content, more = {}) =>
      ask('POST', `/conversations/${encodeURIComponent(id)}/messages`, { content, ...more }),
  }
}

export const BROWSER = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
}
