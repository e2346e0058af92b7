/** The MQTT source passes the universal suite on the real broker; the sink passes its own. */

import { test } from 'vitest'
import { sinkConformance, sourceConformance } from '#conformance'
import { mqttHarness, mqttSinkHarness } from './harness.ts'

sourceConformance(test, mqttHarness)
sinkConformance(test, mqttSinkHarness)
