/** The source suite is worth what it catches: each broken source fails its own requirement and no other. */

import { describe, test } from 'vitest'
import type { Guarantees } from '#connector'
import { catches } from './caught.ts'
import { openQueue, type QueueFault, queueConnector } from './queue.ts'
import { type SourceHarness, type SourceRequirement, sourceConformance } from './source.ts'

const KEEPS: Guarantees = { rejected: 'redelivered', order: 'subject', catchesUp: true }
const REPORTS: Guarantees = { ...KEEPS, rejected: 'reported' }

const CAUGHT: Readonly<Record<QueueFault, SourceRequirement>> = {
  'rewrites-json': 'S1',
  'acknowledges-early': 'S2',
  'drops-rejected': 'S3',
  'fresh-id': 'S3',
  'hides-rejected': 'S3',
  reorders: 'S4',
  unbounded: 'S5',
  'one-at-a-time': 'S5',
  'stops-early': 'S6',
  'emits-after-stop': 'S6',
  'starts-from-now': 'S7',
  'does-not-reconnect': 'S8',
  'reads-text': 'S9',
  'starts-anyway': 'S10',
  'names-nothing': 'S10',
  'leaves-a-timer': 'S11',
  'ignores-credit': 'S13',
  'hides-what-it-made': 'S14',
  'passes-over-invalid': 'S15',
}

const harness = (guarantees: Guarantees, fault?: QueueFault): SourceHarness => ({
  connector: queueConnector(guarantees, fault),
  open: () => openQueue(guarantees.rejected === 'reported'),
  unreachable: async () => ({ config: { queue: 'no-such-queue' }, names: 'no-such-queue' }),
  // Short where something is expected never to happen, long where a loaded machine may be slow.
  deadlineMs: fault ? 2_000 : 10_000,
})

describe('a source that keeps its promises passes', () => {
  describe('redelivered', () => sourceConformance(test, harness(KEEPS)))
  describe('reported', () => sourceConformance(test, harness(REPORTS)))
})

describe('the source suite catches a source that', () => {
  const guarantees = (fault?: QueueFault) => (fault === 'hides-rejected' ? REPORTS : KEEPS)
  // One after the other: each counts the timers of the process.
  catches(CAUGHT, (declare, fault) => sourceConformance(declare, harness(guarantees(fault), fault)), test)
})
