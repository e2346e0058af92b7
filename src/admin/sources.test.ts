/** Sources, paused and resumed over the control API. */

import { afterEach, beforeEach, expect, test } from 'vitest'
import { Bench } from './harness.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.open()
})
afterEach(() => bench[Symbol.asyncDispose]())

test('a source is paused and resumed; one that is not there, and a body that names none, are refused', async () => {
  const post = async (what: string, body: object) => {
    const answer = await bench.post(`/admin/sources/${what}`, body)
    return [answer.status, await answer.json()]
  }
  const source = 'orders'
  expect(await post('pause', { source })).toEqual([200, { source, paused: true, changed: true }])
  expect(await post('pause', { source })).toEqual([200, { source, paused: true, changed: false }])
  expect(await post('resume', { source })).toEqual([200, { source, paused: false, changed: true }])
  expect(await post('pause', { source: 'odrers' })).toMatchObject([404, { code: 'SOURCE_UNKNOWN' }])
  expect(await post('resume', {})).toMatchObject([400, {}])
})
