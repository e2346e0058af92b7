/** `triggerType: cron`: ticks of a schedule. */

import * as z from 'zod'
import { traced } from '../../event-sources/expansion.ts'
import { trigger } from './trigger.ts'

export const cron = trigger({
  summary: 'Ticks of a schedule: a source and a route.',
  aliases: { timeZone: 'timezone', time_zone: 'timezone' },
  config: z.strictObject({
    schedule: z
      .string()
      .min(1)
      .describe('Five fields, or six with seconds first; names such as MON and JAN, and nicknames such as @daily.'),
    timezone: z.string().min(1).optional().describe('Time zone in which the schedule is read; UTC when not given.'),
    data: z.json().optional().describe('What each tick carries.'),
  }),
  expand(triggers, { out }) {
    for (const { at, config, name, to } of triggers) {
      const { schedule, timezone, data } = config
      const source = out.add('sources', name, at, {
        cron: {
          schedule: traced(schedule, [...at, 'schedule']),
          timezone: timezone === undefined ? undefined : traced(timezone, [...at, 'timezone']),
          data: data === undefined ? undefined : traced(data, [...at, 'data']),
        },
      })
      out.add('routes', name, at, { from: traced(source, at), to })
    }
  },
})
