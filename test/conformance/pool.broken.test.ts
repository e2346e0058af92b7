/** The pool suite is worth what it catches: each broken pool fails its own requirement and no other. */

import { describe, expect, test } from 'vitest'
import { type PoolHarness, poolConformance } from './pool.ts'
import { ModelPool, POOL_FAULTS, type PoolFault } from './pool-model.ts'

const harness = (fault?: PoolFault): PoolHarness => ({
  open: async (options) => new ModelPool(options, fault),
  // Short where something is expected never to happen, long where a loaded machine may be slow.
  deadlineMs: fault ? 2_000 : 10_000,
})

describe('a pool that keeps its promises passes', () => poolConformance(test, harness()))

describe('the pool suite catches a pool that', () => {
  for (const [fault, requirement] of Object.entries(POOL_FAULTS) as [PoolFault, string][]) {
    test.concurrent(`${fault}, by ${requirement} alone`, async () => {
      const failed: string[] = []
      const tests: (() => Promise<void>)[] = []
      poolConformance((name, run) => {
        tests.push(() =>
          run().catch((error: unknown) => {
            failed.push(`${name.split(' ')[0]}: ${error}`)
          }),
        )
      }, harness(fault))
      for (const run of tests) await run()
      expect(
        failed.map((line) => line.split(':')[0]),
        failed.join('\n'),
      ).toEqual([requirement])
    })
  }

  test('none of them is missing from the list of requirements', () => {
    const named = new Set<string>(Object.values(POOL_FAULTS))
    poolConformance((name) => expect(named).toContain(name.split(' ')[0]), harness())
  })
})
