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
async function beside(calm: OpenPool, wild: OpenPool, how: Pick<Hostile, 'type' | 'subject'>, ends: Set<string>) {
  let goesOn = true
  const flood = async () => {
    while (goesOn)
      ends.add(await wild.call('hostile', how.type, how.subject).then(textOf, ({ code }: { code: string }) => code))
  }
  const floods = Array.from({ length: AT_ONCE }, flood)
  const times = await callWhile(() => calm.call('echo', 'test'), upTo(WINDOW_MS))
  goesOn = false
  await Promise.all(floods)
  return times
}

/**
 * What a guest takes of the machine it may take: where there are fewer free cores than threads, that is felt whatever a
 * pool does. So it is compared with the same guest at the same work in a pool of its own. How it compares with no guest at
 * all is told by the bench `sharing`, on a machine that does nothing else.
 */
test.each(HOSTILE)(
  '$what, over and over: p99 of a neighbour is within twice of what it is beside another pool',
  async (how) => {
    const hostile = spec('hostile', { timeoutMs: how.type === 'loop' ? 200 : 10_000, memoryBytes: 64 << 20 })
    await using shared = await open([hostile, spec('echo', { wasm: example('echo') })])
    await using own = await open([hostile])
    const ended = new Set<string>()
    // Until it is known for what it is, and all is compiled.
    for (const wild of [own, shared]) await beside(shared, wild, how, ended)
    const pairs = await inPairs(
      4,
      () => beside(shared, own, how, ended),
      () => beside(shared, shared, how, ended),
    )
    console.log(JSON.stringify({ hostile: how.type, ...figuresOf(pairs) }))
    expect([...ended]).toEqual([how.ends])
    expect(pairs.held).toBeLessThan(2)
    expect(textOf(await shared.call('hostile', 'calls'))).toMatch(/^\d+$/)
    expect(shared.pool.stats().map(({ busy, queued }) => busy + queued)).toEqual([0, 0])
  },
)
