/** An event and what became of each of its deliveries, put together from what is stored. */

import { STATUS } from './block.ts'
import type { Located } from './blocks.ts'
import type { LaneFeed } from './feed.ts'
import type { DeliveryRecord, EventRecord } from './journal.ts'
import { deliveryId, slotKey, TABLE } from './keys.ts'
import { readAnswer, readFailures } from './settle.ts'
import type { Store } from './store.ts'

const STATUS_NAMES = ['due', 'due', 'done', 'dead', 'dead'] as const

export function eventRecord(store: Store, { block, offset, record }: Located, feeds: readonly LaneFeed[]): EventRecord {
  const deliveries: DeliveryRecord[] = []
  for (let slot = 0; slot < block.slots; slot++) {
    const lane = feeds[block.lane(slot)]?.lane
    if (lane === undefined || block.offset(slot) !== offset || block.status(slot) === STATUS.gone) continue
    const status = block.status(slot)
    const failures = readFailures(store, slotKey(TABLE.failures, block.id, slot))
    const route = record.routes[block.index(slot)]
    const due = failures?.due ?? route?.[3]
    const answer = readAnswer(store, block.id, slot)
    deliveries.push({
      id: deliveryId(block.id, slot),
      ...lane,
      status: STATUS_NAMES[status],
      answers: route?.[2] === 1,
      attempts: block.attempts(slot),
      ...(status <= STATUS.delayed && due ? { due } : {}),
      ...(failures ? { error: failures.error, firstErrorAt: failures.firstAt } : {}),
      ...(answer ? { answer } : {}),
      ...(status >= STATUS.done ? { settledAt: block.settledAt(slot) } : {}),
    })
  }
  return {
    event: record.event,
    origin: record.origin,
    callId: record.callId,
    acceptedAt: record.acceptedAt,
    deliveries,
  }
}
