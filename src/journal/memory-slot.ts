/** What the journal in memory keeps of an event and of each of its deliveries, and how it tells of them. */

import type { Answer, DeadLetter, DeadLetterFilter, DeliveryRecord, Entry, Failure, Lane, RouteRef } from './journal.ts'
import type { Item, LaneQueue } from './lane.ts'

export interface Held {
  readonly entry: Entry
  readonly acceptedAt: number
  readonly bytes: number
  readonly slots: Slot[]
  /** Deliveries that are due, or will be. */
  waiting: number
}

export interface Slot {
  readonly held: Held
  readonly ref: RouteRef
  readonly item: Item
  readonly lane: MemoryLane
  status: 'due' | 'leased' | 'done' | 'dead' | 'dropped'
  attempts: number
  error?: Failure
  answer?: Answer
  firstErrorAt?: number
  settledAt?: number
}

export interface MemoryLane {
  readonly lane: Lane
  readonly queue: LaneQueue
  pending: number
}

export const identityOf = ({ event }: Entry): string => `${event.source}\n${event.id}`
export const lastSettled = ({ acceptedAt, slots }: Held): number =>
  Math.max(acceptedAt, ...slots.map(({ settledAt }) => settledAt ?? 0))

export function deliveryRecord({ item, ref, status, attempts, error, answer, ...at }: Slot): DeliveryRecord {
  const settled = status === 'done' || status === 'dead'
  return {
    id: item.id,
    route: ref.route,
    to: ref.to,
    status: settled ? status : 'due',
    answers: ref.answers === true,
    attempts,
    ...(!settled && item.due > 0 ? { due: item.due } : {}),
    ...(error ? { error } : {}),
    ...(answer ? { answer } : {}),
    ...(at.firstErrorAt === undefined ? {} : { firstErrorAt: at.firstErrorAt }),
    ...(!settled || at.settledAt === undefined ? {} : { settledAt: at.settledAt }),
  }
}

export function deadLetter({
  item,
  ref,
  held,
  attempts,
  error,
  firstErrorAt,
  settledAt,
}: Slot): DeadLetter | undefined {
  if (error === undefined || firstErrorAt === undefined || settledAt === undefined) return undefined
  const { event, origin, callId } = held.entry
  const lane = { route: ref.route, to: ref.to }
  return { id: item.id, ...lane, event, origin, callId, attempts, error, firstAt: firstErrorAt, lastAt: settledAt }
}

export const matches = (letter: DeadLetter, { ids, route, code, since }: DeadLetterFilter): boolean =>
  (ids === undefined || ids.includes(letter.id)) &&
  (route === undefined || letter.route === route) &&
  (code === undefined || letter.error.code === code) &&
  (since === undefined || letter.lastAt >= since)
