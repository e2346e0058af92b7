/** An event and what became of each of its deliveries, put together from what is stored. */

import { type Block, STATUS } from './block.ts'
import type { Located } from './blocks.ts'
import type { LaneFeed } from './feed.ts'
import type { DeliveryRecord, EventRecord, JournalStats } from './journal.ts'
import { deliveryId, slotKey, TABLE } from './keys.ts'
import { type Ending, type Failures, readAnswer, readFailures } from './settle.ts'
import type { Store } from './store.ts'
import type { Sums } from './totals.ts'
import { triesOf } from './tries.ts'

const STATUS_NAMES = ['due', 'due', 'done', 'dead', 'dead'] as const

/** `settling` holds, by delivery, the outcomes that the block's state knows and that are not on disk yet. */
export function eventRecord(
  store: Store,
  { block, offset, record }: Located,
  feeds: readonly LaneFeed[],
  settling: ReadonlyMap<string, Ending>,
): EventRecord {
  const deliveries: DeliveryRecord[] = []
  for (let slot = 0; slot < block.slots; slot++) {
    const lane = feeds[block.lane(slot)]?.lane
    if (lane === undefined || block.offset(slot) !== offset || block.status(slot) === STATUS.gone) continue
    const status = block.status(slot)
    const id = deliveryId(block.id, slot)
    const kept = keptOf(store, block, slot, settling.get(id))
    const route = record.routes[block.index(slot)]
    const due = kept.due ?? route?.[3]
    deliveries.push({
      id,
      ...lane,
      status: STATUS_NAMES[status],
      answers: route?.[2] === 1,
      attempts: block.attempts(slot),
      ...(status <= STATUS.delayed && due ? { due } : {}),
      ...(kept.error ? { error: kept.error } : {}),
      ...(kept.firstErrorAt === undefined ? {} : { firstErrorAt: kept.firstErrorAt }),
      ...(kept.answer ? { answer: kept.answer } : {}),
      ...(kept.fallback === undefined ? {} : { fallback: kept.fallback }),
      ...(status >= STATUS.done ? { settledAt: block.settledAt(slot) } : {}),
      ...noteOf(block, slot),
      ...triesOf(block, slot, kept.tries, settling.get(id)),
    })
  }
  return {
    event: record.event,
    origin: record.origin,
    callId: record.callId,
    acceptedAt: record.acceptedAt,
    ...(record.generation === undefined ? {} : { generation: record.generation }),
    deliveries,
  }
}

function noteOf(block: Block, slot: number): Pick<DeliveryRecord, 'note'> {
  const note = block.note(slot)
  return note === undefined ? {} : { note }
}

type Kept = Partial<Pick<DeliveryRecord, 'answer' | 'due' | 'error' | 'fallback' | 'firstErrorAt'>> &
  Pick<Failures, 'tries'>

/** What is kept of a delivery's errors and of its answer, that of the last outcome included. */
function keptOf(store: Store, block: Block, slot: number, settling: Ending | undefined): Kept {
  const failures = readFailures(store, slotKey(TABLE.failures, block.id, slot))
  const stored: Kept = failures ? { ...failures, firstErrorAt: failures.firstAt } : {}
  if (settling === undefined) {
    const answer = readAnswer(store, block, slot)
    return answer ? { ...stored, answer } : stored
  }
  if (settling.status === 'done')
    return { ...stored, ...settling.fallback, ...(settling.answer ? { answer: settling.answer } : {}) }
  if (settling.status === 'later') return { ...stored, due: settling.at }
  return { ...stored, error: settling.error, ...(settling.status === 'retry' ? { due: settling.at } : {}) }
}

export function journalStats(
  { events, pending, dead, bytes }: Sums,
  feeds: readonly LaneFeed[],
  oldestPending: number | undefined,
  quarantined: number,
): JournalStats {
  const lanes = feeds.filter((feed) => feed.pending > 0).map(({ lane, pending }) => ({ ...lane, pending }))
  const oldest = oldestPending === undefined ? {} : { oldestPending }
  return { events, pending, dead, bytes, lanes, quarantined, ...oldest }
}
