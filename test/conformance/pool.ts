/**
 * The universal suite of the function pool. Every implementation passes it.
 *
 * Test names are the specification: the text after each number is the requirement, worded as in RFC 2119.
 */

import { POOL_ANSWERS } from './pool-answers.ts'
import { PoolBench, type PoolHarness, type PoolOpenOptions } from './pool-bench.ts'
import { POOL_LIMITS } from './pool-limits.ts'

export { PoolBench, type PoolFunction, type PoolHarness, type PoolOpenOptions } from './pool-bench.ts'

export interface PoolRequirement {
  readonly text: string
  readonly options?: Partial<PoolOpenOptions>
  readonly run: (bench: PoolBench) => Promise<void>
}

/** vitest's `test`, or one like it. */
type Declare = (name: string, run: () => Promise<void>) => unknown

/** Declares one test for each requirement. */
export function poolConformance(test: Declare, harness: PoolHarness): void {
  for (const [id, { text, options, run }] of Object.entries<PoolRequirement>({ ...POOL_ANSWERS, ...POOL_LIMITS })) {
    test(`${id} ${text}`, async () => {
      await using bench = await PoolBench.open(harness, options)
      await run(bench)
    })
  }
}
