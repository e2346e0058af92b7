/** The options of `pool`: how many instances of a function are kept, when, and for how many calls. */

import * as z from 'zod'
import { schedule, timezone } from '../schedule/index.ts'
import { duration } from '../schema/index.ts'
import { LONGEST_HINT_MS } from './limits.ts'

const RANGE = /^([1-9]\d{0,8})-([1-9]\d{0,8})$/

const count = (least: number) => z.int().min(least).max(1_000)

const reuse = z
  .union(
    [
      z
        .int()
        .min(1)
        .max(999_999_999)
        .transform((calls) => ({ least: calls, most: calls })),
      z
        .string()
        .regex(RANGE)
        .transform((text) => {
          const [, least, most] = RANGE.exec(text) ?? []
          return { least: Number(least), most: Number(most) }
        })
        .refine(({ least, most }) => least <= most),
    ],
    {
      error: ({ input }) =>
        `${JSON.stringify(input)} is no number of calls; write 1, 500, or a range such as "400-600"`,
    },
  )
  .meta({ examples: [1, '400-600'] })

const hint = z.strictObject({
  schedule: schedule().describe('When they are to be warm: five fields as in cron, or six with seconds first.'),
  min: count(1).describe('Instances that are kept warm from then on.'),
  timezone: timezone().describe('Time zone in which the schedule is read.'),
  for: duration()
    .refine((ms) => ms > 0 && ms <= LONGEST_HINT_MS, { error: 'is not between 1ms and 7d' })
    .optional()
    .describe(
      'How long they are kept, also over a restart; for `idle` when not given. Then those above `min` go as any others do: once no call came for `idle`.',
    ),
})

export const poolOptions = z
  .strictObject({
    min: count(0).default(1).describe('Instances that are warm before the gateway is ready, and stay.'),
    max: count(1).default(8).describe('Instances at most, over all worker threads.'),
    idle: duration().prefault('60s').describe('After this long without a call the instances above `min` are let go.'),
    reuse: reuse
      .optional()
      .describe(
        'Calls that an instance lives for: a number, or a range such as "400-600" of which each instance draws its own. With 1 each call gets a fresh instance and no call sees what another left. 5000 when not given; programs, and HTTP handlers that answer no second request, are fresh for each call whatever is written.',
      ),
    warm: z
      .array(hint)
      .max(100)
      .optional()
      .describe(
        'When more than `min` are wanted: before the load of each morning, say. The largest that holds counts.',
      ),
  })
  .refine(({ min, max }) => min <= max, { error: 'min is more than max' })
  .superRefine(({ max, warm = [] }, context) => {
    for (const [index, { min }] of warm.entries())
      if (min > max)
        context.addIssue({ code: 'custom', path: ['warm', index, 'min'], message: `${min} is more than max, ${max}` })
  })
