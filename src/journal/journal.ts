/** The contract of the journal: the durable record of accepted events and of what became of each delivery. */

import type { ErrorType } from '../errors.ts'
import type { CloudEvent, EventDraft, Origin } from '../event/index.ts'

/** Names the deliveries that one consumer takes: a route and one of its targets, both as written in the configuration. */
export interface Lane {
  readonly route: string
  readonly to: string
}

/** One delivery to be made of an event. */
export interface RouteRef extends Lane {
  /** Deliveries of one lane with the same key are handed out one at a time, in the order of append. */
  readonly key?: string
  /** Milliseconds since the epoch before which the delivery is not handed out. */
  readonly due?: number
  /** True on the one delivery whose outcome answers the call. */
  readonly answers?: boolean
  /**
   * The deliveries of an event to a route that accepted another of this name less than `windowMs` before are not made:
   * they are done at once, as `repeated`. An event that was left out so does not count.
   */
  readonly once?: { readonly name: string; readonly windowMs: number }
  /** Of the deliveries of a lane with one name only the last is made. Not together with `key`. */
  readonly debounce?: Debounce
}

/**
 * The delivery waits for `waitMs`. One of the same lane and name that is appended before it was handed out takes its
 * place: this one is done then, as `superseded`, and the wait begins anew. It ends `maxWaitMs` after the first of them
 * was appended at the latest. After a restart what was leased counts as not handed out.
 */
export interface Debounce {
  readonly name: string
  readonly waitMs: number
  readonly maxWaitMs?: number
  /** When the first of them was appended: set by the journal. */
  readonly first?: number
}

export interface Entry {
  readonly event: CloudEvent
  readonly origin: Origin
  /** Names the event towards callers; unique within the retention. */
  readonly callId: string
  readonly routes: readonly RouteRef[]
  /** The number that `keep` gave to the configuration that the event was matched by. */
  readonly generation?: number | undefined
  /** True for what is small and must not be left out for want of room: it may take of what is set aside for such. */
  readonly reserved?: boolean
}

export interface Appended {
  /** The callId under which the event is held: the first one, when it is a duplicate. */
  readonly callId: string
  /** True when an event with this `source` + `id`, or this callId, is held already. Nothing was written then. */
  readonly duplicate: boolean
  /** Routes that were given the event and do not get it, as they had one of its name; absent when there is none. */
  readonly repeated?: readonly string[]
}

/** An event on its way along one lane, leased to whoever claimed it. */
export interface Delivery extends Lane {
  /** Opaque; unique within the journal. */
  readonly id: string
  readonly event: CloudEvent
  readonly origin: Origin
  readonly callId: string
  readonly key?: string
  readonly answers: boolean
  /** 1 on the first attempt; counts settled retries, so it survives a crash. */
  readonly attempt: number
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number
  /** The event as it was encoded for the journal, where that is still at hand: it need not be encoded again. */
  readonly draft?: EventDraft
}

/** An error as it is kept. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly type: ErrorType
  readonly detailCode?: string
  readonly fingerprint?: string
  /** SHA-256 of the file of the function that failed, where it was one. */
  readonly digest?: string
}

/** The body of an answer, kept so that a repeated call gets it again. */
export interface Answer {
  readonly data?: Uint8Array
  readonly datacontenttype?: string
  /** The status a function chose, in HTTP's terms. */
  readonly status?: number
}

/** A delivery that its target could not make, and another one could. */
export interface Fallback {
  /** The target that made it, as written in the configuration. */
  readonly fallback: string
  /** Why it was needed. */
  readonly error: Failure
}

/** How an attempt went, as far as it is known. Times in milliseconds, kept to one part in a thousand. */
export interface Figures {
  /** From its begin until its outcome was told. */
  readonly tookMs: number
  /** Of it, until an instance of the function had it, and on the way there and back. */
  readonly queueMs?: number | undefined
  /** Of it, inside the function. */
  readonly runMs?: number | undefined
  /** The thread that ran it: a number from 1 on. */
  readonly worker?: number | undefined
  /** True when an instance was made for it. */
  readonly cold?: boolean | undefined
  /** True when its reply was given up: nothing can ever be published on the topic. */
  readonly unanswered?: boolean | undefined
  /** The number that `keep` gave to the configuration that it ran under. */
  readonly generation?: number | undefined
}

export type Outcome = (
  | { readonly status: 'done'; readonly answer?: Answer; readonly fallback?: Fallback }
  | { readonly status: 'retry' /** Milliseconds since the epoch. */; readonly at: number; readonly error: Failure }
  | { readonly status: 'dead'; readonly error: Failure }
) & {
  readonly figures?: Figures
  /** What the attempt was given while it ran, as the pool writes it: kept as long as there is room. */
  readonly recording?: Uint8Array | undefined
}

/** One attempt that was settled. */
export interface AttemptRecord extends Partial<Figures> {
  /** 1 on the first; a redrive begins anew. */
  readonly attempt: number
  /** Milliseconds since the epoch at which its outcome was told. */
  readonly at: number
  /** Absent when it succeeded. */
  readonly error?: Pick<Failure, 'code' | 'message'>
}

/** What became of one delivery, for `why` and for callers that ask. */
export interface DeliveryRecord extends Lane {
  readonly id: string
  readonly status: 'due' | 'done' | 'dead'
  readonly answers: boolean
  /** Attempts settled so far. */
  readonly attempts: number
  readonly due?: number
  /** The last error, when there was one. */
  readonly error?: Failure
  readonly answer?: Answer
  /** The target that made it in place of its own, which `error` is of. */
  readonly fallback?: string
  readonly firstErrorAt?: number
  readonly settledAt?: number
  /** Why it is done although it was not made. */
  readonly note?: Note
  /** The attempts whose figures are kept, oldest first: of many, at least the last sixteen. Absent when there is none. */
  readonly tries?: readonly AttemptRecord[]
}

/** Why a delivery is not made: its route had an event of its name, or got a later one. */
export type Note = 'repeated' | 'superseded'

export interface EventRecord {
  readonly event: CloudEvent
  readonly origin: Origin
  readonly callId: string
  readonly acceptedAt: number
  /** As it was appended. */
  readonly generation?: number | undefined
  readonly deliveries: readonly DeliveryRecord[]
}

export interface DeadLetter extends Lane {
  readonly id: string
  readonly event: CloudEvent
  readonly origin: Origin
  readonly callId: string
  readonly attempts: number
  readonly error: Failure
  /** Milliseconds since the epoch of the first and of the last error. */
  readonly firstAt: number
  readonly lastAt: number
  /** True when there was no room for what was recorded of its last attempt. */
  readonly unrecorded?: boolean
}

/** Every named condition must hold. */
export interface DeadLetterFilter {
  readonly ids?: readonly string[]
  readonly route?: string
  readonly code?: string
  /** Milliseconds since the epoch: died at or after. */
  readonly since?: number
}

/** An event that the journal remembers. */
export interface RetainedEvent {
  readonly event: CloudEvent
  readonly origin: Origin
  readonly callId: string
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number
}

/** A stretch of time, in milliseconds since the epoch: accepted at `from` or later, and before `to`. */
export interface Span {
  readonly from?: number
  readonly to?: number
}

export interface JournalUse {
  /** Deliveries not settled yet, leased ones included. */
  readonly pending: number
  /** Bytes on disk (of the records, in memory). */
  readonly bytes: number
}

export interface JournalStats extends JournalUse {
  readonly events: number
  readonly dead: number
  /** Milliseconds since the epoch at which the oldest unsettled event was accepted. */
  readonly oldestPending?: number
  /** Deliveries not settled yet, by lane: shows those whose route has left the configuration. */
  readonly lanes: readonly (Lane & { readonly pending: number })[]
  /** Stored values found damaged since the start: each is logged with its place, and what it held is not handed out. */
  readonly quarantined?: number
}

/**
 * Durable, deduplicated, at least once. Implementable on a local store and on a distributed log alike: whatever is
 * batched is batched inside.
 */
export interface Journal extends AsyncDisposable {
  /**
   * Resolves once the event and its deliveries are on disk. Rejects with `JOURNAL_FULL` when there is no room, with
   * `EVENT_TOO_LARGE` when there would be none if nothing else was held, with `JOURNAL_IO` when the disk refused; nothing
   * is held then.
   */
  append(entry: Entry): Promise<Appended>
  /**
   * Leases the deliveries of a lane as they fall due, oldest first, one for each step of the iteration: whoever does
   * not ask for the next one has no credit. Ending the iteration hands out no more and keeps the leases. A lease ends
   * with `settle` or `release`, or with the process, and the delivery is due again then.
   */
  claim(lane: Lane, signal: AbortSignal): AsyncIterableIterator<Delivery>
  /** Records what became of a delivery and ends its lease. Resolves once that is on disk. Settling twice is settling once. */
  settle(delivery: Delivery, outcome: Outcome): Promise<void>
  /** Gives a delivery back: it is due again at once, as the same attempt. */
  release(delivery: Delivery): void
  /**
   * Puts a leased delivery off and ends its lease: due again at that time (milliseconds since the epoch), as the same
   * attempt. Resolves once that is on disk.
   */
  postpone(delivery: Delivery, at: number): Promise<void>
  /** Finds an event by callId, or by its id (the newest, when several sources use it). */
  find(key: { readonly callId: string } | { readonly eventId: string }): Promise<EventRecord | undefined>
  /**
   * Finds the events that came of others: those that name a cause (`causationid`) and have this `correlationid`. In the
   * order of append; of more than `limit` the last.
   */
  chain(correlationId: string, limit: number): Promise<readonly EventRecord[]>
  /**
   * Keeps a text under a number from 1 on, the same for the same text; it is on disk before what is appended after this
   * call is. It is kept for as long as an event may refer to it that was appended before another took its place; of very
   * many the newest are.
   */
  keep(text: string): number
  /** The text of a number; undefined when it is not kept any more. */
  text(number: number): Promise<string | undefined>
  /**
   * Lists the events that are remembered, whatever became of their deliveries, in the order of append. It ends: what is
   * appended after it began is not in it. Whoever reads all of it holds nobody else up.
   */
  events(span?: Span): AsyncIterable<RetainedEvent>
  /** Lists deliveries that were given up on, oldest first, in pages: the cost does not grow with what is not read. */
  deadLetters(filter?: DeadLetterFilter): AsyncIterable<DeadLetter>
  /** What was recorded of the attempt that a delivery was settled with; nothing once it is redriven or dropped. */
  recording(id: string): Promise<Uint8Array | undefined>
  /** Makes dead letters due again, attempts counted from 0. Resolves to how many, once that is on disk. */
  redrive(filter: DeadLetterFilter): Promise<number>
  /** Removes dead letters for good. Resolves to how many. */
  drop(filter: DeadLetterFilter): Promise<number>
  /** Reads a small value that a source keeps between runs, such as the last cron slot. */
  cursor(name: string): Promise<string | undefined>
  /** Resolves once the value is on disk. */
  setCursor(name: string, value: string): Promise<void>
  stats(): JournalStats
  /** Two figures of `stats` that may be read with every event: reading them costs nothing. */
  readonly used: JournalUse
  /** Resolves with the reason when the journal can no longer keep its promise; pending for as long as it can. */
  readonly failed: Promise<Error>
}
