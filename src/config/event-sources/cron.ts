/** `type: cron`: schedules, each to a function. */

import * as z from 'zod'
import { traced } from './expansion.ts'
import { kind } from './kind.ts'
import { targetFunction } from './scalars.ts'

export const cron = kind({
  summary: 'Ticks of schedules: a source and a route for each.',
  list: 'schedules',
  items: 'Schedules.',
  config: z.strictObject({}),
  item: z.strictObject({
    name: z.string().min(1).describe('What the schedule is called: the subject of its events.'),
    schedule: z.string().describe('Five fields, or six with seconds first; names such as MON and JAN.'),
    target_function: targetFunction,
    timezone: z.string().optional().describe('Time zone in which the schedule is read; UTC when not given.'),
  }),
  expand({ items }, { out }) {
    for (const { value, at } of items) {
      const { name, schedule, target_function, timezone } = value
      const source = out.add('sources', name, [...at, 'name'], {
        cron: {
          schedule: traced(schedule, [...at, 'schedule']),
          timezone: timezone === undefined ? undefined : traced(timezone, [...at, 'timezone']),
        },
      })
      out.add('routes', name, at, {
        from: traced(source, [...at, 'name']),
        to: traced(target_function, [...at, 'target_function']),
      })
    }
  },
})
