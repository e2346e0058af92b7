/** `type: sqs`: queues of one region, each to a function. */

import * as z from 'zod'
import { parseDuration } from '../../schema/index.ts'
import { traced } from './expansion.ts'
import { kind } from './kind.ts'
import { targetFunction } from './scalars.ts'

/** A number is seconds, as SQS has it. */
const seconds = z.union([
  z
    .int()
    .min(0)
    .max(43_200)
    .transform((count) => `${count}s`),
  z.string().refine((text) => parseDuration(text) !== undefined, {
    error: ({ input }) => `"${input}" is no time; write seconds, or a duration such as 5m`,
  }),
])

export const sqs = kind({
  summary: 'Messages of queues: a source and a route for each.',
  list: 'queues',
  items: 'Queues.',
  config: z.strictObject({ region: z.string().min(1).describe('The region of the queues.') }),
  item: z.strictObject({
    name: z.string().min(1).describe('The queue.'),
    target_function: targetFunction,
    batch_size: z.int().min(1).max(10).optional().describe('Messages received at once.'),
    visibility_timeout: seconds.optional().describe('Seconds for which a received message is hidden from others.'),
    max_receives: z.int().min(1).max(1_001).optional().describe('Attempts in all: `retry` is one less.'),
    dead_letter_queue: z.string().min(1).optional().describe('A queue that gets a copy of what was given up.'),
  }),
  expand({ config: { region }, items, at }, { out }) {
    const regionAt = traced(region, [...at, 'config', 'region'])
    for (const { value, at: here } of items) {
      const { name, target_function, batch_size, visibility_timeout, max_receives, dead_letter_queue } = value
      const dead = [...here, 'dead_letter_queue']
      const option = (made: unknown, key: string) => (made === undefined ? undefined : traced(made, [...here, key]))
      const source = out.add('sources', name, [...here, 'name'], {
        sqs: {
          region: regionAt,
          queue: traced(name, [...here, 'name']),
          batch: option(batch_size, 'batch_size'),
          visibility: option(visibility_timeout, 'visibility_timeout'),
        },
      })
      out.add('routes', name, here, {
        from: traced(source, [...here, 'name']),
        to: traced(target_function, [...here, 'target_function']),
        retry: option(max_receives === undefined ? undefined : max_receives - 1, 'max_receives'),
        dead_letter:
          dead_letter_queue === undefined
            ? undefined
            : traced(
                out.sink(dead_letter_queue, dead, {
                  sqs: { region: regionAt, queue: traced(dead_letter_queue, dead) },
                }),
                dead,
              ),
      })
    }
  },
})
