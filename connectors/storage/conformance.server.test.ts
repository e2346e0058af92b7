/** The source and the sink of a bucket pass the universal suites on a real server of S3 and SQS. */

import { describe, test } from 'vitest'
import { sinkConformance, sourceConformance } from '#conformance'
import { MOTO } from '../../test/services/moto.ts'
import { describeServers } from '../../test/services/server.ts'
import { bucketHarness, bucketSinkHarness } from './harness.ts'

await describeServers([MOTO], 'storage', ({ address }) => {
  describe('bucket source', () => sourceConformance(test, bucketHarness(address)))
  describe('bucket sink', () => sinkConformance(test, bucketSinkHarness(address)))
})
