/** Options of a route that say when the newest of its weighted versions gets all of the events, or none any more. */

import * as z from 'zod'
import { duration } from '../schema/index.ts'

export const canaryConfig = z.strictObject({
  success_rate: z
    .number()
    .gt(0)
    .max(1)
    .default(0.99)
    .describe('The share of its calls that must succeed: an event counts once, by its first attempt.'),
  p99: duration()
    .refine((ms) => ms > 0, { error: 'it must be longer than nothing' })
    .optional()
    .describe(
      'How long 99 of 100 calls may take inside the function; those that had to wait for an instance left out.',
    ),
  min_calls: z.int().min(1).max(1_000_000).default(100).describe('Calls of the newest version that decide.'),
  auto_promote: z
    .boolean()
    .default(true)
    .describe('Whether it gets all of the events once it is good. Otherwise `headgate function promote` does that.'),
  auto_rollback: z
    .boolean()
    .default(true)
    .describe('Whether it gets none any more once it is bad. Otherwise `headgate function rollback` does that.'),
})
