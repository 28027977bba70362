import { inject } from 'vitest'
import { WebSocket } from 'ws'
import type { WebSocketConstructor } from '../../src/platform.js'
import { contract } from './contract.js'

const platform = { WebSocket: WebSocket as unknown as WebSocketConstructor, fetch: globalThis.fetch }
contract('the real server', () => ({ url: inject('realServer'), platform }))
