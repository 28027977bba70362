import { expect, test } from 'vitest'
import { Pulse } from '../src/connection/pulse.js'
import { FakeServer } from '../src/testing/index.js'

function pulse() {
  const server = new FakeServer()
  const { clock } = server
  const platform = server.platform()
  const said: string[] = []
  const heart = new Pulse(
    platform,
    () => said.push('asked'),
    () => said.push('dead'),
  )
  heart.start(24_000)
  return { heart, clock, said }
}

test('silence is asked about after two thirds of a heartbeat, and is death a while after that', async () => {
  const { clock, said } = pulse()
  await clock.advance(15_999)
  expect(said).toEqual([])
  await clock.advance(1)
  expect(said).toEqual(['asked'])
  await clock.advance(5_000)
  expect(said).toEqual(['asked', 'dead'])
  await clock.advance(60_000)
  expect(said).toHaveLength(2)
})

test('an answer in time begins anew', async () => {
  const { heart, clock, said } = pulse()
  await clock.advance(20_999)
  heart.heard()
  await clock.advance(15_999)
  expect(said).toEqual(['asked'])
})

test('who fell asleep while waiting for an answer asks once more, for it may have come meanwhile', async () => {
  const { heart, clock, said } = pulse()
  heart.doubt()
  await clock.sleep(3_600_000)
  expect(said).toEqual(['asked', 'asked'])
  await clock.advance(5_000)
  expect(said).toEqual(['asked', 'asked', 'dead'])
})

test('who is always late is not given more than that one chance', async () => {
  const { heart, clock, said } = pulse()
  heart.doubt()
  await clock.sleep(60_000)
  await clock.sleep(60_000)
  expect(said).toEqual(['asked', 'asked', 'dead'])
})

test('one doubt is as good as many', () => {
  const { heart, said } = pulse()
  for (let time = 0; time < 5; time += 1) heart.doubt()
  heart.stop()
  heart.doubt()
  expect(said).toEqual(['asked'])
})
