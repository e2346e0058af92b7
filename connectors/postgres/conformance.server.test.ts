/** The postgres source and sink against the universal suites, on a real server. */

import { describe, test } from 'vitest'
import { sinkConformance, sourceConformance } from '#conformance'
import { POSTGRES } from '../../test/services/postgres.ts'
import { describeServers } from '../../test/services/server.ts'
import { postgresHarness, postgresSinkHarness } from './harness.ts'

await describeServers([POSTGRES], 'postgres', ({ address }) => {
  describe('source', () => sourceConformance(test, postgresHarness(address)))
  describe('sink', () => sinkConformance(test, postgresSinkHarness(address)))
})
