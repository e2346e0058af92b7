/** The pool suite is worth what it catches: each broken pool fails its own requirement and no other. */

import { describe, test } from 'vitest'
import { catches } from './caught.ts'
import { type PoolHarness, poolConformance } from './pool.ts'
import { ModelPool, POOL_FAULTS, type PoolFault } from './pool-model.ts'

const harness = (fault?: PoolFault): PoolHarness => ({
  open: async (options) => new ModelPool(options, fault),
  // Short where something is expected never to happen, long where a loaded machine may be slow.
  deadlineMs: fault ? 2_000 : 10_000,
})

describe('a pool that keeps its promises passes', () => poolConformance(test, harness()))

describe('the pool suite catches a pool that', () => {
  catches(POOL_FAULTS, (declare, fault) => poolConformance(declare, harness(fault)))
})
