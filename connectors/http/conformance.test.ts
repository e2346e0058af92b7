/** The HTTP source passes the universal suite; the sink passes its own, in both modes. */

import { describe, test } from 'vitest'
import { sinkConformance, sourceConformance } from '#conformance'
import { httpHarness, httpSinkHarness } from './harness.ts'

sourceConformance(test, httpHarness)
describe('binary', () => sinkConformance(test, httpSinkHarness('binary')))
describe('structured', () => sinkConformance(test, httpSinkHarness('structured')))
