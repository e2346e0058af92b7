/** The SQS source and sink pass the universal suites on a real server, with queues of both kinds. */

import { describe, test } from 'vitest'
import { sinkConformance, sourceConformance } from '#conformance'
import { ELASTICMQ } from '../../test/services/elasticmq.ts'
import { describeServers } from '../../test/services/server.ts'
import { sqsHarness, sqsSinkHarness } from './harness.ts'

await describeServers([ELASTICMQ], 'sqs', ({ address }) => {
  describe('source, standard queue', () => sourceConformance(test, sqsHarness(address, 'standard')))
  describe('source, FIFO queue', () => sourceConformance(test, sqsHarness(address, 'fifo')))
  describe('sink, standard queue', () => sinkConformance(test, sqsSinkHarness(address, '')))
  describe('sink, FIFO queue', () => sinkConformance(test, sqsSinkHarness(address, '.fifo')))
})
