/** Row 23 of the fault matrix: a function that never ends is ended, and the others hardly notice. */

import { expect, test } from 'vitest'
import { callOf, example, open, spec } from '../../functions/open.ts'

const TIMEOUT_MS = 1_000
const NEVER = new AbortController().signal

/** Milliseconds of one call of the neighbour after another, for as long as `busy` says; sorted. */
async function neighbours(call: () => Promise<unknown>, busy: () => boolean): Promise<number[]> {
  const times: number[] = []
  while (busy()) {
    const start = performance.now()
    await call()
    times.push(performance.now() - start)
    // One call every few milliseconds: a load that the machine can carry beside the loop.
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return times.sort((a, b) => a - b)
}

const p99 = (times: readonly number[]): number => times[Math.floor(times.length * 0.99)] ?? Number.NaN

test('an endless loop is killed at its timeout, its worker replaced, and its neighbours go on', async () => {
  const functions = [spec('hostile', { timeoutMs: TIMEOUT_MS }), spec('echo', { wasm: example('echo') })]
  await using opened = await open(functions)
  const neighbour = () => opened.call('echo', 'test')
  await neighbours(neighbour, upTo(500))
  const quiet = p99(await neighbours(neighbour, upTo(1_000)))

  const start = performance.now()
  let ended = false
  const loop = opened.call('hostile', 'loop').catch((error: unknown) => error)
  void loop.finally(() => {
    ended = true
  })
  const times = await neighbours(neighbour, () => !ended)
  const killedAfter = performance.now() - start
  expect(await loop).toMatchObject({
    code: 'FUNCTION_TIMED_OUT',
    type: 'TimeoutError',
    disposition: 'retry',
    fingerprint: 'timeout',
  })
  const replaced = performance.now()
  await opened.call('hostile', 'calls')
  const again = performance.now() - replaced
  console.log(
    `row 23: killed after ${killedAfter.toFixed(0)} ms at a timeout of ${TIMEOUT_MS}, runs again after ${again.toFixed(0)} ms; ` +
      `neighbour p99 ${p99(times).toFixed(1)} ms, without the loop ${quiet.toFixed(1)} ms, ${times.length} calls meanwhile`,
  )
  expect(killedAfter).toBeGreaterThanOrEqual(TIMEOUT_MS - 50)
  expect(killedAfter).toBeLessThan(TIMEOUT_MS + 500)
  expect(again).toBeLessThan(1_000)
  expect(times.length).toBeGreaterThan(20)
  // Far from the length of the loop; how far, the line above says: it is no figure of a machine that does other things.
  expect(p99(times)).toBeLessThan(TIMEOUT_MS / 2)
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

const upTo = (ms: number) => {
  const end = performance.now() + ms
  return () => performance.now() < end
}
