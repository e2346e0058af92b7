/** How far a source is behind its topics: what it tells to the meter. */

import type { Standing } from '#connector'
import type { Ends } from './ends.ts'
import type { Intake } from './intake.ts'

/** Sums up the partitions that are this member's. */
export function standingOf(
  intake: Intake,
  ends: Pick<Ends, 'of'> | undefined,
): Required<Pick<Standing, 'lag' | 'oldest' | 'inFlight'>> {
  let lag = 0
  let inFlight = 0
  let oldest: number | null = null
  for (const { end, partition, topic, watermark } of intake.lanes) {
    const { oldest: written } = watermark
    const place = ends?.of(topic, partition)
    const next = watermark.next ?? place?.next ?? 0
    inFlight += watermark.open
    lag += Math.max(0, Math.max(end, place?.end ?? 0) - next)
    if (written !== undefined && (oldest === null || written < oldest)) oldest = written
  }
  return { lag, inFlight, oldest }
}
