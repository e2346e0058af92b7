/** Neighbours of a function that is hostile again and again: they hardly notice, whatever it does, and none of it stays. */

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { example, type OpenPool, open, spec, textOf } from '../../functions/open.ts'
import { callWhile, figuresOf, inPairs, type Times, upTo } from '../pairs.ts'

const WINDOW_MS = 700
const AT_ONCE = 4

/** What it does, how much of that, and what each of its calls ends with. */
const HOSTILE = [
  { what: 'an endless loop', type: 'loop', subject: '', ends: 'FUNCTION_TIMED_OUT' },
  { what: 'a memory bomb', type: 'hoard', subject: '', ends: 'FUNCTION_OUT_OF_MEMORY' },
  { what: 'an output flood', type: 'flood', subject: '2000', ends: 'flooded' },
  { what: 'a lift bomb', type: 'bomb', subject: '500', ends: 'FUNCTION_TRAPPED' },
  { what: 'a stack overflow', type: 'stack', subject: '', ends: 'FUNCTION_TRAPPED' },
  { what: 'a trap', type: 'trap', subject: '', ends: 'FUNCTION_TRAPPED' },
] as const

/** Keeps calls of the hostile function in flight while a neighbour is called; says how they ended. */
async function beside({ call }: OpenPool, type: string, subject: string, ends: Set<string>): Promise<Times> {
  let goesOn = true
  const flood = async () => {
    while (goesOn) ends.add(await call('hostile', type, subject).then(textOf, ({ code }: { code: string }) => code))
  }
  const floods = Array.from({ length: AT_ONCE }, flood)
  const times = await callWhile(() => call('echo', 'test'), upTo(WINDOW_MS))
  goesOn = false
  await Promise.all(floods)
  return times
}

/**
 * The same calls while a thread that has nothing to do with the pool is as busy: what a guest takes of the machine it may
 * take, and where there are fewer free cores than threads that is felt.
 */
async function besideBusyThread({ call }: OpenPool): Promise<Times> {
  const thread = new Worker('require("node:worker_threads").parentPort.postMessage(1); for (;;);', { eval: true })
  await once(thread, 'message')
  try {
    return await callWhile(() => call('echo', 'test'), upTo(WINDOW_MS))
  } finally {
    await thread.terminate()
  }
}

test.each(HOSTILE)(
  '$what, over and over: p99 of a neighbour is within twice of what it is',
  async ({ type, subject, ends }) => {
    const hostile = spec('hostile', { timeoutMs: type === 'loop' ? 200 : 10_000, memoryBytes: 64 << 20 })
    await using opened = await open([hostile, spec('echo', { wasm: example('echo') })])
    const ended = new Set<string>()
    // Until it is known for what it is, and all is compiled.
    await beside(opened, type, subject, ended)
    const pairs = await inPairs(
      6,
      () => besideBusyThread(opened),
      () => beside(opened, type, subject, ended),
    )
    console.log(JSON.stringify({ hostile: type, ...figuresOf(pairs) }))
    expect([...ended]).toEqual([ends])
    expect(pairs.held).toBeLessThan(2)
    expect(textOf(await opened.call('hostile', 'calls'))).toMatch(/^\d+$/)
    expect(opened.pool.stats().map(({ busy, queued }) => busy + queued)).toEqual([0, 0])
  },
)
