/** Offers that the path refuses for good, of sources that can tell nobody: each is a dead letter, and a redrive offers it again. */

import type { Receipt } from '../connector/connector.ts'
import { toGatewayError } from '../errors.ts'
import { type CloudEvent, extension, type Origin, refusedId, uuidv7, withExtensions } from '../event/index.ts'
import type { Journal } from '../journal/journal.ts'
import type { Route } from '../router/route.ts'
import type { Accept } from './accept.ts'
import { type DeliverParts, deliver } from './deliver.ts'
import type { LaneWork } from './served.ts'

/** The lane that offers them again: no route of a configuration has such a name. */
export const OFFERS = { route: '(offer)', to: 'routes' } as const

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

/** Under an id of its own: offered again under the event's, it is no duplicate. */
async function keep(event: CloudEvent, origin: Origin, journal: Pick<Journal, 'append'>): Promise<Receipt> {
  const kept = withExtensions({ ...event, id: refusedId(event.id) }, { [MARK]: event.id })
  const { callId, duplicate } = await journal.append({ event: kept, origin, callId: uuidv7(), routes: [OFFERS] })
  return { callId, duplicate, routes: [] }
}

/** Holds the event's own id. */
const MARK = 'refusedid'

/** Whether it is what was kept of an offer, which never was an event of the path. */
export const isRefusedOffer = (event: CloudEvent): boolean => extension(event, MARK) !== undefined

/** The work of `OFFERS`. `accept` takes events as it takes those of a source. */
export const offerLane = (accept: Accept, parts: DeliverParts): LaneWork => ({
  ...OFFERS,
  concurrency: AGAIN.concurrency,
  run: (delivery, signal) => {
    const handle = async (): Promise<{ readonly children: readonly [] }> => {
      const { event, origin } = delivery
      const id = extension(event, MARK) ?? event.id
      await accept(withExtensions({ ...event, id }, { [MARK]: undefined }), origin)
      return { children: [] }
    }
    return deliver(delivery, AGAIN, { answers: false, handle }, parts, signal)
  },
})
