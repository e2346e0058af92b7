/** Options of a route that say when, and how many at once, its deliveries are made. */

import * as z from 'zod'
import { duration } from '../schema/index.ts'

/** A stretch of time that is one. */
const stretch = () => duration().refine((ms) => ms > 0, { error: 'it must be longer than nothing' })

const places = z.int().min(1).max(10_000)
const key = z.string().min(1)

const keyedConcurrency = z.strictObject({
  limit: places.describe('Deliveries of one target under way at once; with `key`, those of each of its values.'),
  key: key
    .optional()
    .describe(
      'A CEL expression. Deliveries for which it has no value share one limit. One key does not hold up another.',
    ),
  total: places.default(64).describe('With `key`: deliveries of one target under way at once, whatever their key.'),
})

const batch = z.strictObject({
  max: z.int().min(1).max(1_000).default(100).describe('Events of one batch.'),
  wait: duration().prefault('1s').describe('How long the first of a batch waits for others.'),
})

const breaker = z.strictObject({
  failures: z
    .int()
    .min(1)
    .max(10_000)
    .default(5)
    .describe('Attempts that fail one after the other, in a way that is tried again, before the breaker opens.'),
  open: stretch()
    .prefault('30s')
    .describe('How long it stays open before one delivery tries whether the target works.'),
})

const debounce = z.strictObject({
  key: key
    .optional()
    .describe(
      'A CEL expression: of the events of each of its values only the last is delivered; without it, of all. An event for which it has no value is delivered at once.',
    ),
  wait: stretch().describe('How long no other must come before the last is delivered.'),
  max_wait: stretch().optional().describe('The longest that the first of them waits, however many come.'),
})

const dedupe = z.strictObject({
  key: key.describe('A CEL expression. An event for which it has no value is always taken.'),
  window: stretch().describe('For how long after it took an event the route leaves out others of the same value.'),
})

const rate = z.strictObject({
  limit: z.int().min(1).max(100_000).describe('Attempts that may begin within `per`, retries included.'),
  per: stretch().describe('The stretch of time: any of this length, not only from one full minute to the next.'),
  key: key
    .optional()
    .describe(
      'A CEL expression: each of its values has the limit for itself. Events for which it has no value share one.',
    ),
})

/** The options themselves, for the schema of a route. */
export const controlOptions = {
  concurrency: z
    .union([places, keyedConcurrency])
    .default(16)
    .describe('Deliveries of one target under way at once: a number, or the options below to limit them by key.'),
  batch: batch
    .optional()
    .describe(
      'Delivers several events with one invocation: the target gets one event of type `headgate.batch` whose data is a JSON batch of CloudEvents. They are settled alike, unless a function with `output: outcome` says what became of each; after a failure the same ones are tried again together, until a restart; dead letters are single events. Whoever calls gets the answer of the batch.',
    ),
  breaker: breaker
    .optional()
    .describe(
      'Stops sending to a target that fails, each target by itself. Deliveries wait and use up no retries; events that nothing else would take are refused meanwhile, for their source to send again. A restart begins closed.',
    ),
  debounce: debounce
    .optional()
    .describe(
      'Of events that follow each other closely only the last is delivered; the others are done, as superseded. A caller hears at once that its event was taken. What waits survives a restart.',
    ),
  dedupe: dedupe
    .optional()
    .describe(
      'Leaves out events that repeat a value: they are acknowledged, counted and told of as repeated. What it remembers survives a restart. A repeat by `source` and `id` is left out without it.',
    ),
  rate: rate
    .optional()
    .describe(
      'How many attempts may begin in a stretch of time, for each target. What is over waits, uses up no attempt, and holds up nothing else. A restart begins with nothing counted.',
    ),
  delay: duration()
    .optional()
    .describe('How long after it was accepted an event is delivered, at the earliest. The wait survives a restart.'),
}

const controlConfig = z.strictObject(controlOptions)
export type ControlConfig = z.output<typeof controlConfig>

/** Those that are options in themselves, by name, for the reference. */
export const CONTROL_SECTIONS = { batch, breaker, concurrency: keyedConcurrency, debounce, dedupe, rate }
