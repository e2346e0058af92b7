/** What the journal in memory keeps of an event and of each of its deliveries, and how it tells of them. */

import type {
  Answer,
  DeadLetter,
  DeadLetterFilter,
  DeliveryRecord,
  Entry,
  Failure,
  Lane,
  Note,
  RouteRef,
} from './journal.ts'
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
  note?: Note
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
    ...(at.note ? { note: at.note } : {}),
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

/** Names that routes take once in a window, with the time at which each may come again. */
export class MemoryNames {
  readonly #until = new Map<string, number>()

  /** Takes the names of an append; returns the routes that have had theirs. */
  take(routes: readonly RouteRef[], now: number): ReadonlySet<string> {
    const repeated = new Set<string>()
    const taken = new Set<string>()
    for (const { route, once } of routes) {
      const name = `${route}\n${once?.name}`
      if (once === undefined || taken.has(name)) continue
      if ((this.#until.get(name) ?? now) > now) repeated.add(route)
      else this.#until.delete(name)
      if (!this.#until.has(name)) this.#until.set(name, now + once.windowMs)
      taken.add(name)
    }
    this.#forget(now)
    return repeated
  }

  /** The oldest come first: of one window they are in the order of their times. */
  #forget(now: number): void {
    for (const [name, until] of this.#until) {
      if (until > now) return
      this.#until.delete(name)
    }
  }
}
