/** What a call was denied is known of it also when it does not end by itself, and when the gateway is busy meanwhile. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import type { Denial, Spent } from '../../src/pool/pool.ts'
import { asksAndLoops, LONG } from './asks.ts'
import { guest, open, spec } from './open.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-denied-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const allow = { dirs: [{ guest: '/data', host: '<folder>' }] }

async function opened(wasm: string) {
  const denials: Denial[] = []
  const pool = await open([spec('f', { wasm })], { denied: (denial) => denials.push(denial) })
  return Object.assign(pool, { denials })
}

const asks = async (): Promise<string> => {
  const path = join(folder, 'asks.wasm')
  writeFileSync(path, await asksAndLoops())
  return path
}

const event = { specversion: '1.0', id: 'e', source: '/test', type: 'x', data: Buffer.from(LONG) } as const
/** A call that is to end so soon. */
const within = (ms: number, spent?: Spent) => ({ deadline: Date.now() + ms, ...(spent && { spent }) })

/** The event loop stands still: what threads tell is heard after the time is looked at. */
const standStill = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

test('of a call that is ended at its deadline', async () => {
  await using pool = await opened(await asks())
  const spent: Spent = {}
  await expect(pool.call('f', 'x', '', { event, ...within(1_000, spent) })).rejects.toMatchObject({
    code: 'FUNCTION_TIMED_OUT',
  })
  expect(spent.denied).toMatchObject([{ message: expect.stringContaining('allow: { dirs: ['), allow }])
  expect(pool.denials).toMatchObject([{ function: 'f', callId: pool.lines[0]?.callId, ...spent.denied?.[0] }])
  expect(pool.pool.stats()[0]?.denied.dirs).toBeGreaterThan(0)
})

test('of one that was ended before anything was heard of it', async () => {
  await using pool = await opened(await asks())
  const spent: Spent = {}
  await setImmediate()
  const called = pool.call('f', 'x', '', { event, ...within(1_500, spent) })
  const call = expect(called).rejects.toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
  await Promise.resolve()
  standStill(2_000)
  await call
  expect(spent.denied).toMatchObject([{ allow }])
  expect(pool.denials).toHaveLength(1)
  expect(pool.lines).toHaveLength(1)
})

test('of one whose answer was held back when the call after it was ended', async () => {
  await using pool = await opened(guest('hostile-program'))
  const spent: Spent = {}
  // Once it is swift its answer waits for the one after it.
  for (let times = 0; times < 100; times++) await pool.call('f', 'file', 'read /data/a')
  await setImmediate()
  const calls = Promise.allSettled([
    pool.call('f', 'file', 'read /data/a', within(60_000, spent)),
    pool.call('f', 'loop', '', within(1_500)),
  ])
  await Promise.resolve()
  standStill(2_000)
  const [asked, looped] = await calls
  expect(looped).toMatchObject({ reason: { code: 'FUNCTION_TIMED_OUT' } })
  expect(asked.status).toBe('fulfilled')
  expect(spent.denied).toMatchObject([{ allow }])
  expect(pool.denials).toHaveLength(101)
})
