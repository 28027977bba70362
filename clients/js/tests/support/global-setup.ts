import type { TestProject } from 'vitest/node'
import { RealServer } from './real-server.js'

declare module 'vitest' {
  export interface ProvidedContext {
    realServer: string
  }
}

/** One real server without limits for all files that only talk to it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await RealServer.start({ GATOR_LIMITS: 'off' })
  project.provide('realServer', server.url)
  return () => server.remove()
}
