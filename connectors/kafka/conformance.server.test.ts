/** The Kafka source and sink pass the universal suites on a real broker. */

import { describe, test } from 'vitest'
import { sinkConformance, sourceConformance } from '#conformance'
import { KAFKA } from '../../test/services/kafka.ts'
import { describeServers } from '../../test/services/server.ts'
import { kafkaHarness, kafkaSinkHarness } from './harness.ts'

await describeServers([KAFKA], 'kafka', (server) => {
  describe('source', () => sourceConformance(test, kafkaHarness(server)))
  describe('sink, binary', () => sinkConformance(test, kafkaSinkHarness(server, 'binary')))
  describe('sink, structured', () => sinkConformance(test, kafkaSinkHarness(server, 'structured')))
})
