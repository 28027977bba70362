export { VirtualClock } from './clock.js'
export type { FakeLog } from './log.js'
export type { FakeReply } from './reply.js'
export { FakeServer, type FakeServerOptions } from './server.js'
