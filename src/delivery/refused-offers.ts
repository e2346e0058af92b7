/** Offers that the path refuses for good, of sources that can tell nobody: each is a dead letter, and a redrive offers it again. */

import type { Receipt } from '../connector/connector.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import {
  bare,
  bytesLeftOut,
  type CloudEvent,
  fromRefused,
  type Origin,
  toRefused,
  uuidv7,
  withoutData,
} from '../event/index.ts'
import type { Journal } from '../journal/journal.ts'
import { OFFERS, type Route } from '../router/route.ts'
import type { Accept } from './accept.ts'
import { type DeliverParts, deliver } from './deliver.ts'
import { forGood } from './room.ts'
import type { LaneWork } from './served.ts'

const AGAIN: Route = {
  name: OFFERS.route,
  from: [],
  to: [],
  retry: { max: 20, backoff: 'exponential', delayMs: 1_000, capMs: 60_000, jitter: 'full', except: [] },
  concurrency: 8,
  timeoutMs: 30_000,
  delivery: 'durable',
}

/**
 * Returns a way in that resolves also once an event that is refused for good is on disk as a delivery of its own, to the
 * path itself: that dies of what the path says, and is a dead letter then. Rejects with anything else, and when a source
 * has dead letters of its own.
 */
export const keepingRefused =
  (accept: Accept, journal: Pick<Journal, 'append'>): Accept =>
  (event, origin, offer) =>
    accept(event, origin, offer).catch((thrown: unknown) => {
      if (toGatewayError(thrown).disposition !== 'reject' || offer?.ownDeadLetters) throw thrown
      return keep(event, origin, journal)
    })

/** What is larger than the journal takes is kept without its data, which upstream may have still: nothing waits for it. */
async function keep(event: CloudEvent, origin: Origin, journal: Pick<Journal, 'append'>): Promise<Receipt> {
  const append = (form: CloudEvent) =>
    journal.append({ event: toRefused(form), origin, callId: uuidv7(), routes: [OFFERS] })
  const { callId, duplicate } = await append(event)
    .catch(ifTooLarge(() => append(withoutData(event))))
    .catch(ifTooLarge(() => append(bare(event))))
  return { callId, duplicate, routes: [] }
}

const ifTooLarge =
  <T>(instead: () => Promise<T>) =>
  (thrown: unknown): Promise<T> => {
    if (toGatewayError(thrown).code === 'EVENT_TOO_LARGE') return instead()
    throw thrown
  }

/** The work of `OFFERS`. `accept` takes events as it takes those of a source. */
export const offerLane = (accept: Accept, parts: DeliverParts): LaneWork => ({
  ...OFFERS,
  concurrency: AGAIN.concurrency,
  run: (delivery, signal) => {
    const handle = async (): Promise<{ readonly children: readonly [] }> => {
      const event = fromRefused(delivery.event)
      refuseIncomplete(event)
      await accept(event, delivery.origin).catch((thrown: unknown) => {
        throw forGood(thrown, [delivery.event], [event], parts.room)
      })
      return { children: [] }
    }
    return deliver(delivery, AGAIN, { answers: false, handle }, parts, signal)
  },
})

/** Routes must not take for the event what is left of it. */
function refuseIncomplete(event: CloudEvent): void {
  const bytes = bytesLeftOut(event)
  if (bytes === undefined) return
  const what = `it is larger than the journal takes, and its ${bytes} bytes of data were not kept`
  const todo = 'raise journal.max_size, then resend this with its data, or have its sender send it again'
  throw new GatewayError('EVENT_TOO_LARGE', `gateway: accepting "${event.id}": ${what}; ${todo}`)
}
