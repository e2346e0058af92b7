/** The last resort before the dead letter: another target gets what a route's own could not do, and is told why. */

import { type ErrorCode, GatewayError } from '../errors.ts'
import { type CloudEvent, withExtensions } from '../event/index.ts'
import type { Delivery, Failure } from '../journal/journal.ts'
import type { Route, Target as RouteTarget } from '../router/route.ts'
import { deadlineOf } from './answer.ts'
import { type EmitParts, emitChildren } from './children.ts'
import type { Handled, Target } from './target.ts'

/** Nobody waits for it any more, it would go on for ever, or the trouble is our own: no other target saves it. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set(['CALL_TIMED_OUT', 'CALL_CANCELLED', 'EVENT_LOOP', 'JOURNAL_FULL'])

/** Whether another target may do what ended with this error. */
export const isWorthATry = ({ code, disposition }: GatewayError): boolean =>
  disposition !== 'fatal' && !HOPELESS.has(code)

/** Where what a target gave up goes: not to itself, as one of several targets may be the fallback of the others. */
export const fallbackOf = ({ fallback }: Route, to: string): RouteTarget | undefined =>
  fallback?.text === to ? undefined : fallback

/** What a fallback needs to know of a delivery. */
export type GivenUp = Pick<Delivery, 'id' | 'event' | 'callId' | 'to'>

/** Knative's limit for what says why. */
const REASON_LENGTH = 1024

/**
 * Returns the event as its fallback sees it: as it came in, with the extensions by which Knative says what failed and
 * why. They are not those of a dead letter, as it is none yet and may never be.
 */
export const toFallback = ({ event, to }: GivenUp, { code, detailCode, message }: Failure): CloudEvent =>
  withExtensions(event, {
    knativeerrordest: to,
    knativeerrorcode: detailCode ?? code,
    knativeerrordata: message.slice(0, REASON_LENGTH),
  })

/** Resolves once the fallback has done it and what it emitted is on disk; rejects with what went wrong. */
export async function handOver(
  given: GivenUp,
  { timeoutMs }: Pick<Route, 'timeoutMs'>,
  failure: Failure,
  fallback: Target,
  parts: EmitParts & { readonly now: () => number; readonly wall?: () => number },
  signal: AbortSignal,
): Promise<Handled> {
  const { callId, event, id } = given
  const { now, wall = now } = parts
  const deadline = Math.min(wall() + timeoutMs, deadlineOf(event) ?? Number.POSITIVE_INFINITY)
  const handled = await fallback.handle({ event: toFallback(given, failure), callId, attempt: 1, deadline }, signal)
  await emitChildren(handled.children, event, `${id}/fallback`, parts)
  return handled
}

/** Both errors as one; to the caller, and to those who group dead letters, it is the first. */
export function both(first: GatewayError, fallback: string, second: GatewayError): GatewayError {
  const { code, detailCode, fingerprint, message, retryAfterMs, type } = first
  return new GatewayError(code, `${message}; its fallback "${fallback}": ${second.message}`, {
    cause: first,
    type,
    ...(detailCode === undefined ? {} : { detailCode }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(second.cold ? { cold: true } : {}),
  })
}
