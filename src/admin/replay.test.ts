/** Replays over the admin listener: what they take, what they tell, and how they end. */

import { afterEach, beforeEach, expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import { Bench, event, origin } from './harness.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.open()
})
afterEach(() => bench[Symbol.asyncDispose]())

const lines = async (response: Response): Promise<unknown[]> =>
  (await response.text())
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text))

test('a replay tells of each step, and says when it is through', async () => {
  const response = await bench.post('/admin/replay', {
    name: 'a-1',
    from: '1970-01-01T00:00:01Z',
    to: '1970-01-01T00:00:02Z',
    route: 'orders',
    when: 'order',
    dryRun: true,
  })
  expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8')
  const counts = { before: 1, unmatched: 0, children: 2 }
  expect(await lines(response)).toEqual([
    { events: 1, routes: { orders: 1 }, ...counts, at: '1970-01-01T00:00:01.000Z' },
    { events: 2, routes: { orders: 2 }, ...counts, at: '1970-01-01T00:00:02.000Z' },
    { done: true },
  ])
  const [wish] = bench.replays
  expect(wish).toMatchObject({ name: 'a-1', from: 1_000, to: 2_000, route: 'orders', dryRun: true })
  expect([wish?.when?.(event, origin), wish?.when?.({ ...event, type: 'user' }, origin)]).toEqual([true, false])
})

test('what ends it early is its last line', async () => {
  bench.replayFails = new GatewayError('JOURNAL_FULL', 'journal: appending: no room')
  expect((await lines(await bench.post('/admin/replay', { name: 'a' }))).at(-1)).toEqual({
    error: { code: 'JOURNAL_FULL', detail: 'journal: appending: no room' },
  })
})

test('it ends when whoever asked for it leaves', async () => {
  const leave = new AbortController()
  const response = await fetch(`http://${bench.admin.address}/admin/replay`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'a', rate: 1 }),
    signal: leave.signal,
  })
  await response.body?.getReader().read()
  leave.abort()
  await expect.poll(() => bench.replayLeft, { timeout: 10_000 }).toBe(true)
})

test.each([
  [{}, 'REQUEST_INVALID'],
  [{ name: 'with space' }, 'REQUEST_INVALID'],
  [{ name: 'a', from: 'yesterday' }, 'REQUEST_INVALID'],
  [{ name: 'a', rate: 0 }, 'REQUEST_INVALID'],
  [{ name: 'a', rout: 'orders' }, 'REQUEST_INVALID'],
  [{ name: 'a', route: 'ordrs' }, 'ROUTE_UNKNOWN'],
  [{ name: 'a', when: 'type ===' }, 'CONFIG_INVALID'],
])('%j is refused', async (body, code) => {
  const response = await bench.post('/admin/replay', body)
  expect([response.status, await response.json()]).toMatchObject([400, { code }])
  expect(bench.replays).toEqual([])
})
