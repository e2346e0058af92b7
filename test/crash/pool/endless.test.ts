/** Row 23 of the fault matrix: a function that never ends is ended, and the others hardly notice. */

import { expect, test } from 'vitest'
import { callOf, example, open, spec } from '../../functions/open.ts'
import { callWhile, figuresOf, inPairs, upTo } from '../pairs.ts'

const TIMEOUT_MS = 1_000
const NEVER = new AbortController().signal

test('an endless loop is killed at its timeout, its worker replaced, and its neighbours hardly notice', async () => {
  const functions = [spec('hostile', { timeoutMs: TIMEOUT_MS }), spec('echo', { wasm: example('echo') })]
  await using opened = await open(functions)
  const neighbour = () => opened.call('echo', 'test')
  const killed: number[] = []
  const again: number[] = []
  const beside = async () => {
    const start = performance.now()
    let ended = false
    const loop = opened.call('hostile', 'loop').catch((error: unknown) => error)
    void loop.finally(() => {
      ended = true
    })
    const times = await callWhile(neighbour, () => !ended)
    killed.push(performance.now() - start)
    expect(await loop).toMatchObject({
      code: 'FUNCTION_TIMED_OUT',
      type: 'TimeoutError',
      disposition: 'retry',
      fingerprint: 'timeout',
    })
    const replaced = performance.now()
    await opened.call('hostile', 'calls')
    again.push(performance.now() - replaced)
    return times
  }
  await callWhile(neighbour, upTo(500))
  const pairs = await inPairs(6, () => callWhile(neighbour, upTo(TIMEOUT_MS)), beside)
  const [killedAfter = 0, againAfter = 0] = [killed, again].map((times) => Math.min(...times))
  console.log(JSON.stringify({ row: 23, timeout: TIMEOUT_MS, killed, again, ...figuresOf(pairs) }))
  expect(Math.min(...killed)).toBeGreaterThanOrEqual(TIMEOUT_MS - 50)
  expect(killedAfter).toBeLessThan(TIMEOUT_MS + 100)
  expect(againAfter).toBeLessThan(500)
  expect(pairs.held).toBeLessThan(2)
})

test('calls of others that waited behind the loop run, and none is lost or counted as an attempt', async () => {
  await using opened = await open([spec('hostile', { timeoutMs: 300 }), spec('echo', { wasm: example('echo') })])
  // All in one tick, so that they travel in the same array as the loop.
  const loops = Array.from({ length: 3 }, () => opened.call('hostile', 'loop').catch((error: unknown) => error))
  const others = Array.from({ length: 60 }, (_, index) => opened.call(index % 2 ? 'echo' : 'hostile', 'test'))
  await Promise.all(others)
  for (const error of await Promise.all(loops)) expect(error).toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
})

test('an attempt ends at its deadline when that comes before the timeout', async () => {
  await using opened = await open([spec('hostile')])
  const start = performance.now()
  const deadline = Date.now() + 200
  await expect(opened.call('hostile', 'loop', '', { deadline })).rejects.toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
  expect(performance.now() - start).toBeLessThan(2_000)
})

test('a caller that goes away ends what runs for it', async () => {
  await using opened = await open([spec('hostile')])
  const gone = new AbortController()
  const call = opened.pool.invoke(callOf('hostile', 'loop'), gone.signal)
  setTimeout(() => gone.abort(new Error('the caller went away')), 100)
  await expect(call).rejects.toThrow('the caller went away')
  await opened.pool.invoke(callOf('hostile', 'calls'), NEVER)
})
