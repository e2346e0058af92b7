/** What the control API says of events, dead letters and activity, as far as it is shown here. */

import * as z from 'zod'

const failure = z.object({
  code: z.string(),
  message: z.string(),
  type: z.string(),
  fingerprint: z.string().optional(),
})

const event = z.looseObject({
  id: z.string(),
  source: z.string(),
  type: z.string(),
  subject: z.string().optional(),
})

const origin = z.object({ source: z.string(), address: z.string() })
const time = z.coerce.date()

const answer = z.object({
  datacontenttype: z.string().optional(),
  data: z.unknown().optional(),
  data_base64: z.string().optional(),
})

/** How one attempt went. */
const attempt = z.object({
  attempt: z.number(),
  startedAt: time,
  endedAt: time,
  waitMs: z.number(),
  tookMs: z.number(),
  queueMs: z.number().optional(),
  runMs: z.number().optional(),
  worker: z.number().optional(),
  cold: z.boolean().optional(),
  unanswered: z.boolean().optional(),
  function: z.string().optional(),
  sha256: z.string().optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
})

/** What a delivery waits for. */
const wait = z.object({ for: z.string(), what: z.string(), until: time.optional(), next: z.string().optional() })

const delivery = z.object({
  id: z.string().optional(),
  route: z.string(),
  to: z.string(),
  status: z.enum(['due', 'done', 'dead']),
  answers: z.boolean(),
  attempts: z.number(),
  due: time.optional(),
  error: failure.optional(),
  settledAt: time.optional(),
  note: z.string().optional(),
  fallback: z.string().optional(),
  answer: answer.optional(),
  tries: z.array(attempt).optional(),
  runsSince: time.optional(),
  waits: wait.optional(),
})

const verdict = z.object({
  route: z.string(),
  takes: z.boolean(),
  clause: z.string().exactOptional(),
  saw: z.string().exactOptional(),
  to: z.string().exactOptional(),
  by: z.string().exactOptional(),
})

/** The configuration that an event was matched by, and whether it is known still. */
const generation = z.object({ number: z.number(), runs: z.boolean(), known: z.boolean() })

/** One event of a chain. */
const link = z.object({
  id: z.string(),
  type: z.string(),
  cause: z.string().optional(),
  callId: z.string().optional(),
  at: time,
  state: z.enum(['done', 'waits', 'dead', 'none', 'unmatched', 'refused', 'failed']),
  deliveries: z.array(z.string()),
})
export type ChainLink = z.output<typeof link>

/** An event that the journal does not hold. */
export const lostEvent = z.object({
  kind: z.enum(['refused', 'unmatched', 'failed']),
  at: time,
  origin,
  event: event.optional(),
  callId: z.string().optional(),
  client: z.string().optional(),
  error: failure.optional(),
  times: z.number(),
  // A number alone in lists, where nothing was looked up.
  generation: z.preprocess((given) => (typeof given === 'object' ? given : undefined), generation.optional()),
  verdicts: z.array(verdict).optional(),
})
export type LostEvent = z.output<typeof lostEvent>

/** One event, what became of it, and what the routes say of it: those of its time, as far as they are known. */
export const eventHistory = z.object({
  event,
  origin,
  callId: z.string(),
  acceptedAt: time,
  deliveries: z.array(delivery),
  verdicts: z.array(verdict),
  generation: generation.optional(),
  chain: z.array(link).optional(),
  denied: z.array(z.object({ function: z.string(), message: z.string() })).optional(),
})
export type EventHistory = z.output<typeof eventHistory>

/** A delivery that was given up on. */
export const deadLetter = z.object({
  id: z.string(),
  event,
  origin,
  callId: z.string(),
  route: z.string(),
  to: z.string(),
  attempts: z.number(),
  error: failure,
  group: z.string().optional(),
  firstAt: time,
  lastAt: time,
  recording: z
    .object({ function: z.string(), inputs: z.number(), bytes: z.number(), earlier: z.number(), cut: z.boolean() })
    .optional(),
  unrecorded: z.boolean().optional(),
})
/** A delivery of which it was recorded what its function was given. */
export const recordedCall = z.object({
  id: z.string(),
  status: z.enum(['due', 'done', 'dead']),
  error: failure.optional(),
  recording: z.base64(),
  event: z.base64(),
})
export type RecordedCall = z.output<typeof recordedCall>
/** Dead letters that died of the same thing. */
export const letterGroup = z.object({
  group: z.string(),
  code: z.string(),
  to: z.string(),
  routes: z.array(z.string()),
  site: z.string(),
  count: z.number(),
  firstAt: time,
  lastAt: time,
  example: z.string(),
})
export type LetterGroup = z.output<typeof letterGroup>
export type DeadLetter = z.output<typeof deadLetter>

/** One line of `tail`. */
export const activity = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('accepted'),
    time,
    event,
    origin,
    callId: z.string(),
    routes: z.array(z.string()),
    duplicate: z.boolean(),
    repeated: z.array(z.string()).optional(),
  }),
  z.object({ kind: z.literal('unmatched'), time, event, origin }),
  z.object({
    kind: z.literal('settled'),
    time,
    event,
    callId: z.string(),
    route: z.string(),
    to: z.string(),
    attempt: z.number(),
    outcome: z.enum(['done', 'retry', 'dead']),
    tookMs: z.number(),
    error: failure.optional(),
    fallback: z.string().optional(),
    retryInMs: z.number().optional(),
  }),
  z.object({ kind: z.literal('skipped'), time, lines: z.number() }),
])
export type Activity = z.output<typeof activity>
