/** What `why` tells of the events of a test that did not pass. */

import { recordView } from '../admin/views.ts'
import type { EventRecord } from '../journal/journal.ts'
import type { Arrived, Settled, Stage } from './stage.ts'

/** More of them say nothing that the first do not. */
const MOST = 3

/** Resolves to the first events as `GET /admin/events/<id>` gives them; copies of dead letters and what functions emitted come last. */
export async function histories(stage: Stage): Promise<readonly object[]> {
  const { arrived, journal, scene } = stage
  return Promise.all(
    arrived.slice(0, MOST).map(async (each) => {
      const held = each.kind === 'accepted' ? await journal.find({ callId: each.callId }) : undefined
      return recordView(held ?? unheld(each, stage), scene.router.explain(each.event, each.origin))
    }),
  )
}

/** Of an event that skipped the journal, or that no route took. */
function unheld(each: Arrived, { clock, settled }: Stage): EventRecord {
  const callId = each.kind === 'accepted' ? each.callId : 'none'
  const own = settled.filter((one) => one.callId === callId)
  return {
    event: each.event,
    origin: each.origin,
    callId,
    acceptedAt: clock.now(),
    deliveries: own.map((one) => deliveryOf(one, clock.now())),
  }
}

const deliveryOf = (
  { attempt, error, outcome, route, to }: Settled,
  now: number,
): EventRecord['deliveries'][number] => ({
  id: `${route}/${to}`,
  route,
  to,
  status: outcome === 'retry' ? 'due' : outcome,
  answers: false,
  attempts: attempt,
  settledAt: now,
  ...(error ? { error } : {}),
})
