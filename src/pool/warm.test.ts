/** Hints of a pool on a clock that the test sets: instances come before the calls, stay for as long as said, and go. */

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
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

async function open(functions: readonly FunctionSpec[], from: number, cache?: string) {
  const clock = { time: from }
  const pool = await createPool(functions, {
    log: () => {},
    workers: 2,
    now: () => clock.time,
    ...(cache !== undefined && { cache }),
  })
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

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'headgate-warm-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

test('what is not kept warm is run once before it is called, and leaves no instance', async () => {
  const cache = await folder()
  // Another than the others have: what is loaded is not loaded again.
  const echo = fileURLToPath(new URL('../../functions/echo/echo.wasm', import.meta.url))
  await using pool = await open([functionOf('f', { wasm: echo })], MORNING, cache)
  // What the engine made of its code is there once it ran.
  await vi.waitFor(async () => expect((await readdir(cache)).some((name) => /\.v8-/.test(name))).toBe(true), 10_000)
  expect(pool.counted()).toEqual([0])
  expect(await pool.call('f')).toMatchObject({ cold: true })
})

/** A program whose start never ends: `(memory (export "memory") 1) (func (export "_start") (loop br 0))`. */
const ENDLESS = Buffer.from(
  '0061736d010000000104016000000302010005030100010713020' + '66d656d6f72790200065f737461727400000a0901070003400c000b0b',
  'hex',
)

test('nobody waits while one is run that does not end', async () => {
  const endless = join(await folder(), 'endless.wasm')
  await writeFile(endless, ENDLESS)
  await using pool = await open([functionOf('endless', { wasm: endless }), functionOf('other', { min: 1 })], MORNING)
  // It is tried at the first look at what idles, within 50 ms.
  for (let until = performance.now() + 4_000; performance.now() < until; ) {
    const begun = performance.now()
    await pool.call('other')
    expect(performance.now() - begun).toBeLessThan(1_000)
    await new Promise((resolve) => setTimeout(resolve, 1_200))
  }
})
