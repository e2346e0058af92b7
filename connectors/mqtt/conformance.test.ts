/** The MQTT source passes the universal suite, on the real broker. */

import { test } from 'vitest'
import { sourceConformance } from '#conformance'
import { mqttHarness } from './harness.ts'

sourceConformance(test, mqttHarness)
