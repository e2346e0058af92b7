/** One worker thread as the main thread sees it: what was sent to it, what runs in it, what it holds. */

import { type Answer, answersHead, decodeAnswers } from './answer.ts'
import type { Asked, Dropped, Left, Told } from './asking.ts'
import { Control, FIRST_SEAT } from './control.ts'
import { EndedCalls } from './ended.ts'
import { type Heard, HeardThread } from './heard.ts'
import type { FunctionCode } from './instance.ts'
import { ARRAY_CALLS, ARRAYS } from './limits.ts'
import type { Hold, Report } from './protocol.ts'
import { type Seated, Seats } from './seats.ts'
import type { Pending } from './waiting.ts'
import { encodeCalls, steady } from './wire.ts'

/** What the pool does when a worker has something to tell. */
export interface WorkerEvents {
  /** `runMs`: milliseconds inside the instance. */
  answered(pending: Pending, outcome: Answer['outcome'], runMs: number): void
  /** An array is through: there is room for another. */
  freed(): void
  reported(report: Report): void
  /** A call asks something of the gateway: what it is told is posted by `tell`. */
  asked(worker: PoolWorker, seated: Seated, asked: Asked): void
  /** The thread ended without being asked to. */
  died(worker: PoolWorker, error: Error): void
}

/** What runs in a worker now. */
export interface Running {
  readonly pending?: Pending | undefined
  /** The function of which instances are being made or warmed. */
  readonly preparing?: number
  /** Differs each time. */
  readonly begun: number
}

export class PoolWorker {
  readonly #thread: HeardThread
  readonly #control = new Control()
  readonly #events: WorkerEvents
  /** By array, then by place in it; an answered or withdrawn call leaves its place empty. */
  readonly #arrays: ((Pending | undefined)[] | undefined)[] = Array.from({ length: ARRAYS })
  readonly #sent: number[]
  readonly #seats = new Seats(this.#control)
  readonly #endedCalls: EndedCalls
  /** Instances and their bytes, by function. */
  readonly instances: number[]
  readonly bytes: number[]
  /** Holds asked and not answered, oldest first. */
  readonly holds: Hold[] = []
  /** Functions of which it had an instance, or was told to: it has compiled them. */
  readonly knows = new Set<number>()
  /** True once it serves. */
  ready = false
  #heldBy: number | undefined
  /** When it was last sent a call, by `performance.now()`. */
  used = performance.now()
  /** What the last look at it saw, when, and of which function. */
  seen = { begun: -1, at: 0, fn: -1 }

  constructor(functions: readonly FunctionCode[], events: WorkerEvents) {
    this.#events = events
    this.#endedCalls = new EndedCalls(functions)
    this.#sent = functions.map(() => 0)
    this.instances = functions.map(() => 0)
    this.bytes = functions.map(() => 0)
    const data = { control: this.#control.buffer, functions }
    this.#thread = new HeardThread(
      data,
      (heard) => this.#heard(heard),
      (error) => events.died(this, error),
    )
    const lent = this.#endedCalls.lendArrays()
    if (lent) this.#thread.post(lent)
  }

  /** Arrays that can be sent now. */
  get free(): number {
    let free = 0
    for (const array of this.#arrays) if (array === undefined) free++
    return free
  }

  /** Calls of a function on their way or running here. */
  sent(fn: number): number {
    return this.#sent[fn] ?? 0
  }

  /** True when a call or a hold is under way. */
  get busy(): boolean {
    return this.holds.length > 0 || this.#seats.taken > 0 || this.#arrays.some((array) => array !== undefined)
  }

  /** Calls of functions that may wait that can be sent now. */
  get seats(): number {
    return this.#seats.room
  }

  /** True while one call, or the making of an instance, has been running for long: nothing else begins here. */
  get held(): boolean {
    return this.#heldBy !== undefined && this.#control.running()?.begun === this.#heldBy
  }

  /** Notes that what runs now (`begun`) runs long. */
  markHeld(begun: number): void {
    this.#heldBy = begun
  }

  /** Sends up to 32 calls; there must be a free array. */
  send(calls: readonly Pending[]): void {
    this.used = performance.now()
    const array = this.#arrays.indexOf(undefined)
    const first = array * ARRAY_CALLS
    this.#arrays[array] = [...calls]
    for (const [index, pending] of calls.entries()) {
      this.#control.send(first + index)
      this.#sends(pending)
    }
    const message = encodeCalls(calls, first)
    this.#thread.post(message, [message])
  }

  /** Sends one call of a function that may wait, to end by `until`; there must be a free seat. */
  seat(pending: Pending, until: number): void {
    this.used = performance.now()
    const slot = this.#seats.take(pending, until)
    this.#sends(pending)
    const lent = this.#endedCalls.lendSeat(slot, pending.fn)
    if (lent) this.#thread.post(lent)
    const message = encodeCalls([pending], slot)
    this.#thread.post(message, [message])
  }

  /** Ends calls that wait for the gateway, of those that `which` picks: their instances do not go on. */
  drop(which: (seated: Seated) => boolean): readonly Seated[] {
    this.#thread.catchUp()
    return this.#seats.drop(which).map(({ slot, seated }) => {
      const { fn } = seated.pending
      this.#endedCalls.keep(slot, seated.pending)
      this.#sent[fn] = this.sent(fn) - 1
      this.#thread.post({ kind: 'dropped', slot } satisfies Dropped)
      return seated
    })
  }

  /** When a call that has a seat is to end; undefined for others. */
  seatOf(pending: Pending | undefined): Seated | undefined {
    for (const { seated } of this.#seats.all()) if (seated.pending === pending) return seated
    return undefined
  }

  /** Answers what a call asked. */
  tell(told: Told): void {
    this.#thread.post(told)
  }

  hold(hold: Hold): void {
    this.holds.push(hold)
    this.knows.add(hold.fn)
    this.#thread.post(hold)
  }

  running(): Running | undefined {
    const running = this.#control.running()
    if (!running) return undefined
    const { begun, slot, preparing } = running
    return preparing === undefined ? { begun, pending: this.#at(slot ?? -1) } : { begun, preparing }
  }

  /** Takes back the calls that have not begun; all of them, or those that `which` picks. */
  withdraw(which: (pending: Pending) => boolean = () => true): Pending[] {
    const back: Pending[] = []
    for (const [slot, pending] of this.#pending())
      if (which(pending) && this.#control.withdraw(slot)) {
        this.#forget(slot, true)
        back.push(pending)
      }
    return back
  }

  /** Hands over answers that the worker holds back for the rest of their array, which may never come. */
  salvage(): void {
    const unposted = this.#control.unposted()
    // Told before the answers.
    this.#thread.catchUp()
    const now = steady()
    if (unposted) for (const answer of decodeAnswers(unposted.bytes, unposted.count)) this.#answer(answer, now)
  }

  /** Takes every call whose answer has not come, the running one first, and expects nothing more of the thread. */
  abandon(): { readonly running: Pending | undefined; readonly others: Pending[] } {
    this.#thread.catchUp()
    this.#thread.abandon()
    const running = this.running()?.pending
    const slot = this.#control.running()?.slot
    if (running && slot !== undefined) this.#endedCalls.keep(slot, running)
    const all = [...this.#pending()].map(([, pending]) => pending)
    for (const { seated } of this.#seats.all()) seated.ended.abort()
    return { running, others: all.filter((pending) => pending !== running) }
  }

  /** Ends the thread, also in the middle of a call. Resolves when it is gone. */
  end(): Promise<void> {
    return this.#thread.end()
  }

  #sends({ call: { spent }, fn }: Pending): void {
    this.#sent[fn] = this.sent(fn) + 1
    if (!spent) return
    spent.worker = this.#thread.id
    // It may have run before, in a worker that was replaced.
    if (spent.denied) spent.denied = undefined
  }

  #heard(heard: Heard): void {
    if (heard instanceof ArrayBuffer) this.#answers(Buffer.from(heard))
    else if (heard.kind === 'asked') this.#asked(heard)
    else if (heard.kind === 'left') this.#left(heard)
    else this.#report(heard)
  }

  #answers(message: Buffer): void {
    const { array, last } = answersHead(message)
    const now = steady()
    for (const answer of decodeAnswers(message)) this.#answer(answer, now)
    if (last) this.#arrays[array] = undefined
    // One of a seat ends no array.
    if (last || array >= ARRAYS) this.#events.freed()
  }

  #left({ slot }: Left): void {
    this.#seats.free(slot)
    this.#events.freed()
  }

  #asked(asked: Asked): void {
    const seated = this.#seats.at(asked.slot)
    // Of a call that was dropped meanwhile; another may have its seat.
    if (seated?.pending.call.callId === asked.callId) this.#events.asked(this, seated, asked)
  }

  #answer({ slot, outcome, runMs, memoryBytes }: Answer, now: number): void {
    const pending = this.#at(slot)
    // Answered before, from the shared memory.
    if (!pending) return
    const { spent } = pending.call
    if (spent) {
      spent.runMs = runMs
      spent.queueMs = Math.max(0, now - pending.since - runMs)
      spent.cold = outcome.cold === true
      // Nobody on the path asks for it, and what is asked for there keeps one shape.
      if (spent.memoryBytes !== undefined) spent.memoryBytes = memoryBytes
    }
    this.#forget(slot)
    this.#events.answered(pending, outcome, runMs)
  }

  #report(report: Report): void {
    if (report.kind === 'ready') this.ready = true
    if (report.kind === 'held') this.holds.shift()
    if (report.kind === 'recording') {
      const spent = this.#at(report.slot)?.call.spent
      if (spent) spent.recording = report.recording
      return
    }
    if (report.kind === 'denied' && report.lack) {
      const spent = this.#at(report.slot)?.call.spent
      if (spent) spent.denied = [...(spent.denied ?? []), report.lack]
    }
    if (report.kind === 'instances') {
      this.instances[report.fn] = report.count
      this.bytes[report.fn] = report.bytes
      if (report.made > 0) this.knows.add(report.fn)
    }
    this.#events.reported(report)
  }

  #at(slot: number): Pending | undefined {
    if (slot >= FIRST_SEAT) return this.#seats.at(slot)?.pending
    return this.#arrays[Math.floor(slot / ARRAY_CALLS)]?.[slot % ARRAY_CALLS]
  }

  #forget(slot: number, withdrawn = false): void {
    const array = this.#arrays[Math.floor(slot / ARRAY_CALLS)]
    const fn = this.#at(slot)?.fn
    if (fn === undefined) return
    if (array) array[slot % ARRAY_CALLS] = undefined
    else if (withdrawn) this.#seats.vacate(slot)
    else this.#seats.leave(slot)
    this.#sent[fn] = this.sent(fn) - 1
  }

  *#pending(): Generator<[slot: number, pending: Pending]> {
    for (const [array, calls] of this.#arrays.entries())
      for (const [index, pending] of (calls ?? []).entries()) if (pending) yield [array * ARRAY_CALLS + index, pending]
    for (const { slot, seated } of this.#seats.all()) yield [slot, seated.pending]
  }
}
