// @vitest-environment jsdom
import { afterEach, expect, test, vi } from 'vitest'
import { platformWith, type WakeReason } from '../src/platform.js'

afterEach(() => vi.restoreAllMocks())

const WebSocket = class {} as never

function listening() {
  const heard: WakeReason[] = []
  const stop = platformWith({ WebSocket }).onWake((reason) => heard.push(reason))
  return { heard, stop }
}

test('a browser tells that the network is back, and that the page is looked at or restored', () => {
  const { heard, stop } = listening()
  dispatchEvent(new Event('online'))
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
  dispatchEvent(new Event('pageshow'))
  expect(heard).toEqual(['online', 'visible', 'restored'])
  stop()
  dispatchEvent(new Event('online'))
  expect(heard).toHaveLength(3)
})

test('a page that is being hidden is not looked at, but its network may be back', () => {
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(true)
  const { heard, stop } = listening()
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
  dispatchEvent(new Event('online'))
  expect(heard).toEqual(['online'])
  stop()
})

test('ids are never the same, and need no secure origin', () => {
  const { uniqueId } = platformWith({ WebSocket })
  const ids = new Set(Array.from({ length: 1_000 }, uniqueId))
  expect(ids.size).toBe(1_000)
  expect([...ids].every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true)
})

test('without a WebSocket it is said what to do', () => {
  vi.stubGlobal('WebSocket', undefined)
  expect(() => platformWith()).toThrow('hand in platform.WebSocket')
  vi.unstubAllGlobals()
})
