import { FakeServer } from '../../src/testing/index.js'
import { contract } from './contract.js'

const server = new FakeServer()
contract('the fake server', () => ({ url: server.url, platform: server.platform() }))
