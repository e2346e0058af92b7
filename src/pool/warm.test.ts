/** Hints of a pool on a clock that the test sets: instances come before the calls, stay for as long as said, and go. */

import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { createPool, type FunctionSpec } from './index.ts'

const wasm = fileURLToPath(new URL('../../test/functions/guests/hostile/hostile.wasm', import.meta.url))
const MORNING = Date.parse('2026-11-20T08:00:00Z')
const HOUR = 3_600_000
const NEVER = new AbortController().signal

const functionOf = (name: string, overrides: Partial<FunctionSpec> = {}): FunctionSpec => ({
  name,
  wasm,
  min: 0,
  max: 4,
  idleMs: 100,
  timeoutMs: 10_000,
  memoryBytes: 32 << 20,
  env: {},
  ...overrides,
})

const HINTED = { warm: [{ schedule: '0 8 * * *', timezone: 'UTC', min: 3, forMs: HOUR }] }

async function open(functions: readonly FunctionSpec[], from: number) {
  const clock = { time: from }
  const pool = await createPool(functions, { log: () => {}, workers: 2, now: () => clock.time })
  await Promise.all(functions.map(({ name }) => pool.ready(name)))
  const counted = () => pool.stats().map(({ instances }) => instances)
  const event = { specversion: '1.0', id: 'e', source: '/test', type: 'calls' } as const
  const call = (name: string) =>
    pool.invoke({ function: name, event, callId: 'c', attempt: 1, deadline: Date.now() + 60_000 }, NEVER)
  const until = (...expected: number[]) => vi.waitFor(() => expect(counted()).toEqual(expected), 10_000)
  return { clock, call, counted, until, [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose]() }
}

test('instances are there at the slot, stay while the hint holds though nothing is called, and go after it', async () => {
  await using pool = await open([functionOf('f', HINTED), functionOf('other')], MORNING - HOUR)
  expect(pool.counted()).toEqual([0, 0])
  pool.clock.time = MORNING
  await pool.until(3, 0)
  expect(await pool.call('f')).toMatchObject({ cold: false })
  // Without a hint an instance goes once it idles: so long has passed for both.
  for (let round = 0; round < 2; round++) {
    expect(await pool.call('other')).toMatchObject({ cold: true })
    await pool.until(3, 1)
    await pool.until(3, 0)
  }
  pool.clock.time = MORNING + HOUR
  await pool.until(0, 0)
})

test('a start in the middle of it is ready with what it asks for, one after it is not', async () => {
  await using within = await open([functionOf('f', HINTED)], MORNING + HOUR / 2)
  expect(within.counted()).toEqual([3])
  await using after = await open([functionOf('f', HINTED)], MORNING + HOUR)
  expect(after.counted()).toEqual([0])
})

test('what is called beyond the hint stays until it idles', async () => {
  await using pool = await open([functionOf('f', { ...HINTED, idleMs: 60_000 })], MORNING)
  expect(pool.counted()).toEqual([3])
  pool.clock.time = MORNING + HOUR
  expect(await pool.call('f')).toMatchObject({ cold: false })
  expect(pool.counted()).toEqual([3])
})
