/** What can be wrong with a journal, and what the model journal keeps and tells of its deliveries. */

import type {
  Answer,
  AttemptRecord,
  Delivery,
  DeliveryRecord,
  Entry,
  Failure,
  Lane,
  Note,
  RouteRef,
} from '../../src/journal/journal.ts'

/** What can be wrong with a journal, and the requirement that says so. */
export const FAULTS = {
  'empty-data-is-absent': 'J1',
  'ignores-the-source': 'J2',
  'holds-a-call-twice': 'J3',
  'looks-before-it-waits': 'J4',
  'hands-out-what-is-leased': 'J5',
  'mixes-the-order': 'J6',
  'ignores-due': 'J7',
  'stops-counting-attempts': 'J8',
  'keeps-the-key-of-the-dead': 'J9',
  'one-key-at-a-time': 'J9',
  'takes-two': 'J10',
  'abort-ends-leases': 'J11',
  'release-is-an-attempt': 'J12',
  'ignores-release': 'J12',
  'settles-twice': 'J13',
  'loses-content-types': 'J14',
  'tells-no-attempts': 'J15',
  'forgets-the-first-error': 'J16',
  'ignores-codes': 'J17',
  'redrives-tired': 'J18',
  'drops-all': 'J19',
  'has-one-cursor': 'J20',
  'counts-events': 'J21',
  'is-never-full': 'J22',
  'is-full-for-all': 'J22',
  'forgets-nothing': 'J23',
  'forgets-the-dead': 'J23',
  'loses-leases': 'J24',
  'forgets-attempts': 'J25',
  'forgets-keys': 'J26',
  'forgets-answers': 'J27',
  'forgets-cursors': 'J28',
  'postpones-nothing': 'J29',
  'postponing-is-an-attempt': 'J29',
  'shortens-windows': 'J30',
  'counts-repeats-as-new': 'J30',
  'shares-names-between-routes': 'J30',
  'forgets-names': 'J40',
  'supersedes-once': 'J31',
  'forgets-the-first': 'J31',
  'hides-what-is-superseded': 'J31',
  'forgets-what-waits': 'J42',
  'lists-what-waits-alone': 'J41',
  'ignores-the-span': 'J41',
  'hides-fallbacks': 'J43',
  'forgets-fallbacks': 'J44',
  'hides-attempts': 'J45',
  'hides-the-worker': 'J45',
  'tells-the-last-attempt-alone': 'J45',
  'hides-generations': 'J46',
  'chains-without-a-cause': 'J47',
  'chains-without-end': 'J47',
  'numbers-texts-anew': 'J48',
  'forgets-figures': 'J49',
  'forgets-texts': 'J50',
  'keeps-recordings': 'J51',
  'records-retries': 'J51',
  'forgets-recordings': 'J52',
  'has-no-room-for-the-large': 'J53',
  'keeps-every-recording': 'J54',
  'counts-no-recordings': 'J54',
  'hides-what-was-not-kept': 'J54',
} as const

export type JournalFault = keyof typeof FAULTS

export interface Held {
  readonly entry: Entry
  readonly acceptedAt: number
  readonly slots: Slot[]
}

export interface Slot {
  readonly id: string
  readonly held: Held
  ref: RouteRef
  status: 'due' | 'leased' | 'done' | 'dead' | 'dropped'
  attempts: number
  due: number
  error?: Failure
  firstAt?: number
  lastAt?: number
  answer?: Answer
  fallback?: string
  note?: Note
  tries?: readonly AttemptRecord[]
  recording?: Uint8Array | undefined
  unrecorded?: boolean
  /** When the first was appended that this one stands for. */
  first?: number
  /** True once somebody had it, until the next start: it gives way to none. */
  handed?: boolean
}

/** What survives. */
export interface ModelDisk {
  held: Held[]
  readonly cursors: Map<string, string>
  /** By route and name: when it was accepted last. */
  readonly names: Map<string, number>
  readonly texts: string[]
  next: number
}

export function record(slot: Slot, fault?: JournalFault): DeliveryRecord {
  const { id, ref, status, error, fallback, firstAt, lastAt, answer, due } = slot
  const attempts = fault === 'tells-no-attempts' ? 0 : slot.attempts
  const now = status === 'leased' || status === 'dropped' ? 'due' : status
  return {
    id,
    ...laneOf(ref),
    status: now,
    attempts,
    answers: ref.answers === true,
    ...(error && firstAt !== undefined ? { error, firstErrorAt: firstAt } : {}),
    ...(answer ? { answer } : {}),
    ...(fallback !== undefined && fault !== 'hides-fallbacks' ? { fallback } : {}),
    ...(now === 'due' && due > 0 ? { due } : {}),
    ...(now !== 'due' && lastAt !== undefined ? { settledAt: lastAt } : {}),
    ...(slot.note ? { note: slot.note } : {}),
    ...(slot.tries ? { tries: slot.tries } : {}),
  }
}

export function delivery({ id, held, ref, attempts }: Slot, fault?: JournalFault): Delivery {
  const { origin, callId } = held.entry
  const { data, ...bare } = held.entry.event
  const event = data?.length === 0 && fault === 'empty-data-is-absent' ? bare : held.entry.event
  const attempt = (fault === 'stops-counting-attempts' ? Math.min(attempts, 1) : attempts) + 1
  const key = ref.key === undefined ? {} : { key: ref.key }
  const { acceptedAt } = held
  return { id, ...laneOf(ref), ...key, event, origin, callId, answers: ref.answers === true, attempt, acceptedAt }
}

export const laneOf = ({ route, to }: Lane): Lane => ({ route, to })
export const laneName = ({ route, to }: Lane): string => `${route} ${to}`
