/** The HTTP source passes the universal suite. */

import { test } from 'vitest'
import { sourceConformance } from '#conformance'
import { httpHarness } from './harness.ts'

sourceConformance(test, httpHarness)
