/** Sinks that are gone, resumed over the control API. */

import { afterEach, beforeEach, expect, test } from 'vitest'
import { Bench } from './harness.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.open()
})
afterEach(() => bench[Symbol.asyncDispose]())

test('a sink is resumed; one that is not there, and a body that names none, are refused', async () => {
  const resumed = await bench.post('/admin/sinks/resume', { sink: 'billing' })
  expect([resumed.status, await resumed.json()]).toEqual([200, { resumed: [{ route: 'orders', to: 'billing' }] }])
  const unknown = await bench.post('/admin/sinks/resume', { sink: 'biling' })
  expect([unknown.status, await unknown.json()]).toMatchObject([404, { code: 'SINK_UNKNOWN' }])
  expect((await bench.post('/admin/sinks/resume', {})).status).toBe(400)
})
