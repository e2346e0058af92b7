/** The cron source against the universal suite. */

import { describe, test } from 'vitest'
import { sourceConformance } from '#conformance'
import { cronHarness } from './harness.ts'

describe('cron source', () => sourceConformance(test, cronHarness))
