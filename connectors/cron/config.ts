/** The options of a cron source. */

import * as z from 'zod'
import { duration, schedule, timezone } from '#connector'

const MONTH_MS = 31 * 86_400_000

export const cronConfig = z.strictObject({
  schedule: schedule().describe(
    'When to tick: five fields (minute, hour, day of month, month, day of week) or six with seconds first; names such as MON and JAN, and nicknames such as @daily.',
  ),
  timezone: timezone().describe('Time zone in which the schedule is read.'),
  catch_up: duration()
    .refine((ms) => ms <= MONTH_MS, { error: 'is longer than 31d' })
    .prefault('1m')
    .describe(
      'How late a tick may be: one that was due while the gateway was down or full still comes, unless it is older.',
    ),
  data: z.json().optional().describe('What each tick carries: text as it stands, anything else as JSON.'),
  content_type: z
    .string()
    .min(1)
    .optional()
    .describe('Content type of `data`; text/plain for text and application/json for anything else when not given.'),
})

export type CronConfig = z.output<typeof cronConfig>
