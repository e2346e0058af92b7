/** Cron: ticks of a schedule as events. */

import { defineConnector, defineSource } from '#connector'
import { cronConfig } from './config.ts'
import { CronSource } from './source.ts'

export default defineConnector({
  type: 'cron',
  title: 'Cron',
  summary: 'Emits an event at each time that a schedule names, once, also when the gateway was down at that time.',
  stability: 'beta',
  since: '0.1.0',
  source: defineSource({
    config: cronConfig,
    // Upstream is the clock: a tick that was not accepted is still due, and ticks come one after the other.
    guarantees: { rejected: 'redelivered', order: 'total', catchesUp: true },
    create: (config, context) => new CronSource(config, context),
  }),
})
