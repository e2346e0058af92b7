/** Workers are shared: nobody waits for more than a few calls of a function that is flooded, or runs long. */

import { fileURLToPath } from 'node:url'
import { describe, expect, test, vi } from 'vitest'
import { createPool, type FunctionSpec } from './index.ts'
import type { Spent } from './pool.ts'

const wasm = fileURLToPath(new URL('../../test/functions/guests/hostile/hostile.wasm', import.meta.url))
const NEVER = new AbortController().signal

async function open(names: readonly string[], overrides: Partial<FunctionSpec> = {}) {
  const settings = { wasm, min: 1, max: 4, idleMs: 60_000, timeoutMs: 10_000, memoryBytes: 32 << 20, env: {} }
  const functions = names.map((name) => ({ name, ...settings, ...overrides }))
  const pool = await createPool(functions, { log: () => {}, workers: 1 })
  await Promise.all(names.map((name) => pool.ready(name)))
  const call = (name: string, type: string, subject = '', signal = NEVER, spent: Spent = {}) => {
    const event = { specversion: '1.0', id: 'e', source: '/test', type, subject } as const
    return pool.invoke({ function: name, event, callId: 'c', attempt: 1, deadline: Date.now() + 60_000, spent }, signal)
  }
  return { pool, call, [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose]() }
}

test('a call that comes behind two hundred of another function waits for a few of them', async () => {
  await using shared = await open(['flooded', 'other'])
  let done = 0
  const flood = Array.from({ length: 200 }, () => shared.call('flooded', 'spin', '3').then(() => done++))
  await vi.waitFor(() => expect(done).toBeGreaterThan(0), 10_000)
  for (let round = 0; round < 5; round++) {
    const before = done
    await shared.call('other', 'calls')
    expect(done - before).toBeLessThanOrEqual(8)
  }
  expect(done).toBeLessThan(200)
  await Promise.all(flood)
})

test('two floods are served by turns', async () => {
  await using shared = await open(['one', 'two'])
  const widest: number[] = []
  // A machine that stops one of them for long makes it one that runs long: then they do not share a worker.
  for (let round = 0; round < 4; round++) {
    const done = { one: 0, two: 0 }
    let apart = 0
    const flood = (name: 'one' | 'two') =>
      Array.from({ length: 400 }, async () => {
        await shared.call(name, 'calls')
        done[name]++
        apart = Math.max(apart, Math.abs(done.one - done.two))
      })
    await Promise.all([...flood('one'), ...flood('two')])
    widest.push(apart)
  }
  expect(Math.min(...widest)).toBeLessThanOrEqual(64)
})

test('one that runs long is not held up by another that never ends, nor are those that do not', async () => {
  await using shared = await open(['endless', 'long', 'short'])
  const gone = new AbortController()
  // So that it is known to run long.
  for (let round = 0; round < 3; round++) await shared.call('long', 'spin', '40')
  const loops = Array.from({ length: 3 }, () => shared.call('endless', 'loop', '', gone.signal).catch(() => 'ended'))
  for (let round = 0; round < 5; round++) {
    await shared.call('long', 'spin', '20')
    await shared.call('short', 'calls')
  }
  gone.abort(new Error('enough'))
  expect(await Promise.all(loops)).toEqual(['ended', 'ended', 'ended'])
})

test('one that runs long and may have one instance only still runs apart', async () => {
  await using shared = await open(['long', 'short'], { max: 1 })
  for (let round = 0; round < 3; round++) await shared.call('long', 'spin', '40')
  let done = 0
  const long = Array.from({ length: 5 }, () => shared.call('long', 'spin', '40').then(() => done++))
  for (let round = 0; round < 3; round++) await shared.call('short', 'calls')
  expect(done).toBeLessThan(5)
  await Promise.all(long)
  expect(shared.pool.stats().map(({ instances }) => instances)).toEqual([1, 1])
})

test('one that runs long takes no more workers than there are for calls, also where another had one started for it', async () => {
  await using shared = await open(['endless', 'long', 'short'])
  for (let round = 0; round < 3; round++) await shared.call('long', 'spin', '40')
  const gone = new AbortController()
  const loop = shared.call('endless', 'loop', '', gone.signal).catch(() => 'ended')
  // The loop holds one, the first is kept free: so these wait for a third, which stays for a while.
  await shared.call('long', 'spin', '20')
  gone.abort(new Error('enough'))
  expect(await loop).toBe('ended')
  const ran: { readonly worker: number | undefined; readonly from: number; readonly to: number }[] = []
  const long = async () => {
    const spent: Spent = {}
    await shared.call('long', 'spin', '15', NEVER, spent)
    const to = performance.now()
    ran.push({ worker: spent.worker, from: to - (spent.runMs ?? 0), to })
  }
  await Promise.all(Array.from({ length: 60 }, long))
  // What was answered a little later than it ended may seem to overlap with the next.
  const overlap = ran.flatMap((one) =>
    ran.filter((two) => two.worker !== one.worker && Math.min(one.to, two.to) - Math.max(one.from, two.from) > 10),
  )
  expect(overlap).toEqual([])
})

test('one whose calls run into their timeout again and again does not keep the gateway from being ready', async () => {
  await using shared = await open(['broken', 'sound'], { timeoutMs: 100 })
  for (let round = 0; round < 6; round++)
    await expect(shared.call('broken', 'loop')).rejects.toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
  const late = new Promise((resolve) => setTimeout(() => resolve('late'), 10_000).unref())
  const ready = Promise.all(['broken', 'sound'].map((name) => shared.pool.ready(name)))
  expect(await Promise.race([ready.then(() => 'ready'), late])).toBe('ready')
})

/** Milliseconds that each of these calls waited, one after the other. */
async function waits(shared: Awaited<ReturnType<typeof open>>, type: string, times: number): Promise<number[]> {
  const waited: number[] = []
  for (let round = 0; round < times; round++) {
    const spent: Spent = {}
    await shared.call('broken', type, '', NEVER, spent).catch(() => {})
    waited.push(spent.queueMs ?? Number.NaN)
  }
  return waited
}

describe('one most of whose calls break', () => {
  /** Calls the other function all the time until it is disposed of. */
  function neighbour({ call }: Awaited<ReturnType<typeof open>>) {
    let goesOn = true
    const calls = (async () => {
      while (goesOn) await call('other', 'calls').then(() => new Promise((resolve) => setTimeout(resolve, 2)))
    })()
    const stop = () => {
      goesOn = false
      return calls
    }
    return { [Symbol.asyncDispose]: stop }
  }
  /** As many as make it one all of whose calls break. */
  const MANY = 60

  test('rests after each that does, while others are called', async () => {
    await using shared = await open(['broken', 'other'])
    await using _ = neighbour(shared)
    await waits(shared, 'trap', MANY)
    expect(Math.min(...(await waits(shared, 'trap', 5)))).toBeGreaterThan(40)
  })

  test('does not while no other is', async () => {
    await using shared = await open(['broken', 'other'])
    await waits(shared, 'trap', MANY)
    // The start of the pool counts as a call of each.
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    expect(Math.min(...(await waits(shared, 'trap', 10)))).toBeLessThan(40)
  })

  test('does not after a call that is sound, and no longer once most are', async () => {
    await using shared = await open(['broken', 'other'])
    await using _ = neighbour(shared)
    await waits(shared, 'trap', MANY)
    await waits(shared, 'calls', 1)
    expect(Math.min(...(await waits(shared, 'calls', 20)))).toBeLessThan(40)
    await waits(shared, 'trap', 1)
    expect(Math.min(...(await waits(shared, 'trap', 3)))).toBeLessThan(40)
  })

  test('is told of where a call waits in vain', async () => {
    await using shared = await open(['broken', 'other'])
    await using _ = neighbour(shared)
    await waits(shared, 'trap', MANY)
    const event = { specversion: '1.0', id: 'e', source: '/test', type: 'trap', subject: '' } as const
    const soon = { function: 'broken', event, callId: 'c', attempt: 1 }
    await waits(shared, 'trap', 1)
    await expect(shared.pool.invoke({ ...soon, deadline: Date.now() + 15 }, NEVER)).rejects.toMatchObject({
      code: 'FUNCTION_TIMED_OUT',
      message: expect.stringContaining('most of its calls break'),
    })
  })
})
