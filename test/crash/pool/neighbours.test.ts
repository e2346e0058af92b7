/** Neighbours of a function that is hostile again and again: they hardly notice, whatever it does, and none of it stays. */

import { expect, test } from 'vitest'
import { example, type OpenPool, open, spec, textOf } from '../../functions/open.ts'
import { callWhile, figuresOf, inPairs, upTo } from '../pairs.ts'

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
type Hostile = (typeof HOSTILE)[number]

/** Calls a neighbour for a while, every call of it answered, with calls of a hostile function in flight all the time. */
async function beside(pool: OpenPool, how: Pick<Hostile, 'type' | 'subject'>, ends: Set<string>) {
  let goesOn = true
  const flood = async () => {
    while (goesOn)
      ends.add(await pool.call('hostile', how.type, how.subject).then(textOf, ({ code }: { code: string }) => code))
  }
  const floods = Array.from({ length: AT_ONCE }, flood)
  const times = await callWhile(() => pool.call('echo', 'test'), upTo(WINDOW_MS))
  goesOn = false
  await Promise.all(floods)
  return times
}

/** With nothing in flight of what it is compared with: a worker that is replaced for its last call is back by then. */
const PAUSE_MS = 300

test.each(HOSTILE)('$what, over and over: p99 of a neighbour is within twice of what it is alone', async (how) => {
  const hostile = spec('hostile', { timeoutMs: how.type === 'loop' ? 200 : 10_000, memoryBytes: 64 << 20 })
  await using shared = await open([hostile, spec('echo', { wasm: example('echo') })])
  const alone = async () => {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    return await callWhile(() => shared.call('echo', 'test'), upTo(WINDOW_MS))
  }
  const ended = new Set<string>()
  // Until it is known for what it is, and all is compiled.
  await beside(shared, how, ended)
  const pairs = await inPairs(6, alone, () => beside(shared, how, ended))
  console.log(JSON.stringify({ hostile: how.type, ...figuresOf(pairs) }))
  expect([...ended]).toEqual([how.ends])
  expect(pairs.held).toBeLessThan(2)
  expect(textOf(await shared.call('hostile', 'calls'))).toMatch(/^\d+$/)
  expect(shared.pool.stats().map(({ busy, queued }) => busy + queued)).toEqual([0, 0])
})
