/** Follows one delivery until it is known how it goes. */

import { setTimeout as pause } from 'node:timers/promises'
import * as z from 'zod'
import { askJson, type Face } from './client.ts'

export type Fate =
  | { readonly status: 'done' }
  | { readonly status: 'waits' }
  /** `same`: of what it died of. */
  | { readonly status: 'broke'; readonly same: boolean; readonly reason: string }

const LOOK_MS = 100

const history = z.object({
  deliveries: z.array(
    z.object({
      id: z.string(),
      status: z.enum(['due', 'done', 'dead']),
      attempts: z.number(),
      group: z.string().optional(),
      error: z.object({ code: z.string(), message: z.string() }).optional(),
    }),
  ),
})

/**
 * Resolves once the delivery is done, has died, or an attempt has ended with what it died of; to `waits` when none of
 * that happens until `deadline`, on the clock of `performance.now()`. A delivery without an id is the first of its event,
 * to another target: the same is an error with the same code there, as the place of it may have another name.
 */
export async function watch(
  at: Face,
  { callId, id }: { readonly callId: string; readonly id?: string },
  { code, group }: { readonly code: string; readonly group: string },
  deadline: number,
): Promise<Fate> {
  for (;;) {
    const path = `/admin/events/${encodeURIComponent(callId)}`
    const { deliveries } = history.parse(await askJson(at, { method: 'GET', path }))
    const delivery = deliveries.find((each) => id === undefined || each.id === id)
    if (delivery === undefined || delivery.status === 'done') return { status: 'done' }
    // An error of before is still on record when no attempt has ended since.
    const again = id === undefined ? delivery.error?.code === code : delivery.group === group
    const same = delivery.attempts > 0 && again
    if (delivery.status === 'dead' || same) return { status: 'broke', same, reason: delivery.error?.message ?? '' }
    if (performance.now() >= deadline) return { status: 'waits' }
    await pause(LOOK_MS)
  }
}
