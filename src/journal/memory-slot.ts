/** What the journal in memory keeps of an event and of each of its deliveries, and how it tells of them. */

import { setImmediate as turn } from 'node:timers/promises'
import type {
  Answer,
  AttemptRecord,
  DeadLetter,
  DeadLetterFilter,
  DeliveryRecord,
  Entry,
  EventRecord,
  Failure,
  Figures,
  Lane,
  Note,
  Outcome,
  RetainedEvent,
  RouteRef,
  Span,
} from './journal.ts'
import type { Item, LaneQueue } from './lane.ts'
import { chainOf } from './names.ts'

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
  recording?: Uint8Array | undefined
  /** There was no room for it. */
  unrecorded?: boolean
  fallback?: string
  firstErrorAt?: number
  settledAt?: number
  note?: Note
  tries?: Try[]
}

interface Try {
  readonly attempt: number
  readonly at: number
  readonly figures: Figures
  readonly error: Failure | undefined
}

/** Attempts that are told of a delivery. */
const MOST_TRIES = 17

export interface MemoryLane {
  readonly lane: Lane
  readonly queue: LaneQueue
  pending: number
  /** By name: the delivery that waits for later ones, and when the first was appended that it stands for. */
  readonly waiting: Map<string, { readonly slot: Slot; readonly first: number }>
}

export const identityOf = ({ event }: Entry): string => `${event.source}\n${event.id}`
export const lastSettled = ({ acceptedAt, slots }: Held): number =>
  Math.max(acceptedAt, ...slots.map(({ settledAt }) => settledAt ?? 0))

/** Keeps what came of an attempt, but for the status. */
export function keepOutcome(slot: Slot, outcome: Outcome, now: number): void {
  slot.attempts++
  slot.settledAt = now
  if (outcome.figures) {
    slot.tries ??= []
    const error = outcome.status === 'done' ? undefined : outcome.error
    slot.tries.push({ attempt: slot.attempts, at: now, figures: outcome.figures, error })
    if (slot.tries.length > MOST_TRIES) slot.tries.shift()
  }
  if (outcome.status === 'done' && outcome.answer) slot.answer = outcome.answer
  if (outcome.status === 'done' && outcome.fallback) slot.fallback = outcome.fallback.fallback
  const error = outcome.status === 'done' ? outcome.fallback?.error : outcome.error
  if (error === undefined) return
  slot.error = error
  slot.firstErrorAt ??= now
}

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
    ...(at.fallback === undefined ? {} : { fallback: at.fallback }),
    ...(at.firstErrorAt === undefined ? {} : { firstErrorAt: at.firstErrorAt }),
    ...(!settled || at.settledAt === undefined ? {} : { settledAt: at.settledAt }),
    ...(at.note ? { note: at.note } : {}),
    ...(at.tries ? { tries: at.tries.map(attemptRecord) } : {}),
  }
}

function attemptRecord({ attempt, at, error, figures }: Try): AttemptRecord {
  const known = Object.entries(figures).filter(([, value]) => value !== undefined && value !== false)
  const failed = error ? { error: { code: error.code, message: error.message } } : {}
  return { attempt, at, ...Object.fromEntries(known), ...failed }
}

/** An event and what became of each of its deliveries. */
export function eventRecord({ acceptedAt, entry, slots }: Held): EventRecord {
  const { routes: _, ...known } = entry
  const deliveries = slots.filter((slot) => slot.status !== 'dropped').map(deliveryRecord)
  return { ...known, acceptedAt, deliveries }
}

/** The last `limit` events that came of others in a chain. Looks at all. */
export function chained(all: Iterable<Held>, name: string, limit: number): readonly EventRecord[] {
  const found = [...all].filter(({ entry: { event } }) => chainOf(event) === name)
  return found.slice(-limit).map(eventRecord)
}

export function deadLetter({
  item,
  ref,
  held,
  attempts,
  error,
  firstErrorAt,
  settledAt,
  unrecorded,
}: Slot): DeadLetter | undefined {
  if (error === undefined || firstErrorAt === undefined || settledAt === undefined) return undefined
  const { event, origin, callId } = held.entry
  const lane = { route: ref.route, to: ref.to }
  const times = { firstAt: firstErrorAt, lastAt: settledAt, ...(unrecorded ? { unrecorded } : {}) }
  return { id: item.id, ...lane, event, origin, callId, attempts, error, ...times }
}

/** What was recorded of the attempt that it was settled with. */
export const recordingOf = (slot: Slot | undefined): Uint8Array | undefined =>
  slot?.status === 'dead' || slot?.status === 'done' ? slot.recording : undefined

/** Lists what is held now, as `Journal.events` says. */
export async function* retained(
  held: readonly Held[],
  { from = 0, to = Number.POSITIVE_INFINITY }: Span,
): AsyncGenerator<RetainedEvent> {
  for (const [at, { acceptedAt, entry }] of held.entries()) {
    if (at % SLICE === SLICE - 1) await turn()
    const { callId, event, origin } = entry
    if (acceptedAt >= from && acceptedAt < to) yield { event, origin, callId, acceptedAt }
  }
}

/** Events listed between two turns of the event loop. */
const SLICE = 256

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

/** Of one name only the last is made: returns the delivery that gives way to this one. */
export function standFor(slot: Slot, now: number): Slot | undefined {
  const { item, lane, ref } = slot
  if (ref.debounce === undefined) return undefined
  const { maxWaitMs = Number.POSITIVE_INFINITY, name, waitMs } = ref.debounce
  const before = lane.waiting.get(name)
  const first = before?.first ?? now
  item.due = Math.max(now, item.due, Math.min(now + waitMs, first + maxWaitMs))
  lane.waiting.set(name, { slot, first })
  if (before === undefined) return undefined
  Object.assign(before.slot, { status: 'done', settledAt: now, note: 'superseded' })
  before.slot.item.held = undefined
  return before.slot
}

/** The delivery is handed out: what comes now of its name begins anew. */
export function lease(slot: Slot): void {
  slot.status = 'leased'
  const name = slot.ref.debounce?.name
  if (name !== undefined && slot.lane.waiting.get(name)?.slot === slot) slot.lane.waiting.delete(name)
}

/** When the first was accepted of which something is pending. */
export function oldestPending(all: Iterable<Held>): number | undefined {
  for (const { waiting, acceptedAt } of all) if (waiting > 0) return acceptedAt
  return undefined
}
