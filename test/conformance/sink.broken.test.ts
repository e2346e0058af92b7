/** The sink suite is worth what it catches: each broken sink fails its own requirement and no other. */

import { describe, test } from 'vitest'
import { catches } from './caught.ts'
import { type SinkHarness, sinkConformance } from './sink.ts'
import { openPlace, placeConnector, SINK_FAULTS, type SinkFault } from './sink-model.ts'

const harness = (fault?: SinkFault): SinkHarness => ({
  connector: placeConnector(fault),
  open: openPlace,
  // Short where something is expected never to happen, long where a loaded machine may be slow.
  deadlineMs: fault ? 1_500 : 10_000,
})

describe('a sink that keeps its promises passes', () => sinkConformance(test, harness()))

describe('the sink suite catches a sink that', () => {
  // Open handles are counted for the whole process: one after the other.
  catches(SINK_FAULTS, (declare, fault) => sinkConformance(declare, harness(fault)), test)
})
