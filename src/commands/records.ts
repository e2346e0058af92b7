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
  data: z.unknown(),
  data_base64: z.string().optional(),
})

const delivery = z.object({
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
})

const verdict = z.object({
  route: z.string(),
  takes: z.boolean(),
  clause: z.string().exactOptional(),
  saw: z.string().exactOptional(),
  to: z.string().exactOptional(),
  by: z.string().exactOptional(),
})

/** One event, what became of it, and what the routes say of it now. */
export const eventHistory = z.object({
  event,
  origin,
  callId: z.string(),
  acceptedAt: time,
  deliveries: z.array(delivery),
  verdicts: z.array(verdict),
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
})
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
