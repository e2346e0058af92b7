/** Watches what runs: ends calls at their deadline, and takes calls back that wait behind a long one. */

import { GatewayError } from '../errors.ts'
import { versioned } from '../schema/index.ts'
import { HELD_MS, START_MS } from './limits.ts'
import type { Pending, WaitingFunction } from './waiting.ts'
import { steady } from './wire.ts'
import type { PoolWorker, Running } from './worker.ts'

export interface WatchEvents {
  /** Calls that wait behind a long one, to be run elsewhere. */
  held(calls: readonly Pending[]): void
  /** Calls wait, and a worker may have come free without a word: making instances ends silently. */
  waiting(): void
  /** A call that waited for the gateway is over. */
  dropped(pending: Pending, reason: unknown): void
  /** What a worker runs is past its time. */
  ended(worker: PoolWorker, error: GatewayError): void
}

export class Watch {
  readonly #functions: readonly WaitingFunction[]
  readonly #workers: readonly PoolWorker[]
  readonly #events: WatchEvents
  #timer: NodeJS.Timeout | undefined

  constructor(functions: readonly WaitingFunction[], workers: readonly PoolWorker[], events: WatchEvents) {
    this.#functions = functions
    this.#workers = workers
    this.#events = events
  }

  /** Looks every so many milliseconds, for as long as there is something to look at. */
  start(everyMs: number): void {
    this.#timer ??= setInterval(() => this.#look(), everyMs)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Ends a call that has not begun when nobody waits for it any more or its time is up. True when it did. */
  over(pending: Pending, now = steady()): boolean {
    const { call, fn, signal, reject, until } = pending
    if (signal.aborted) reject(signal.reason)
    else if (now >= until) reject(late(call.function, this.#functions[fn]?.breaks === true))
    else return false
    return true
  }

  #look(): void {
    const now = steady()
    for (const waiting of this.#functions) waiting.sweep((pending) => this.over(pending, now))
    for (const worker of [...this.#workers]) this.#lookAt(worker, now)
    if (this.#functions.some(({ length }) => length > 0)) this.#events.waiting()
    else if (!this.#workers.some((worker) => worker.busy || worker.running())) this.stop()
  }

  #lookAt(worker: PoolWorker, now: number): void {
    for (const pending of worker.withdraw(({ signal, until }) => signal.aborted || now >= until)) {
      const waiting = this.#functions[pending.fn]
      if (waiting) waiting.sent--
      this.over(pending, now)
    }
    for (const { pending } of worker.drop((seated) => seated.pending.signal.aborted || now >= seated.until))
      this.#events.dropped(pending, pending.signal.aborted ? pending.signal.reason : waited(pending.call.function))
    const running = worker.running()
    if (!running) return
    if (running.begun !== worker.seen.begun) {
      const fn = running.pending?.fn ?? running.preparing ?? worker.seen.fn
      worker.seen = { begun: running.begun, at: performance.now(), fn }
    }
    const ranMs = performance.now() - worker.seen.at
    if (ranMs >= HELD_MS && !worker.held) {
      worker.markHeld(running.begun)
      worker.salvage()
      // Calls of the function whose instance is being made wait for that.
      this.#events.held(worker.withdraw(({ fn }) => fn !== running.preparing))
    }
    this.#judge(worker, running, ranMs, now)
  }

  #judge(worker: PoolWorker, { pending, preparing }: Running, ranMs: number, now: number): void {
    // One that was answered runs on: whatever frees its result is the guest's, too, and may loop.
    const answered = pending === undefined && preparing === undefined
    const waiting = this.#functions[pending?.fn ?? preparing ?? worker.seen.fn]
    if (!waiting) return
    const { spec } = waiting
    if (answered) {
      if (ranMs < spec.timeoutMs) return
      const error = overran(versioned(spec), ranMs)
      waiting.took(ranMs, error, ranMs)
      this.#events.ended(worker, error)
      return
    }
    const limitMs = pending ? spec.timeoutMs : Math.max(spec.timeoutMs, START_MS)
    if (pending?.signal.aborted) {
      pending.reject(pending.signal.reason)
      if (ranMs >= HELD_MS) this.#events.ended(worker, overran(versioned(spec), ranMs))
      return
    }
    const until = worker.seatOf(pending)?.until ?? pending?.until
    // One that began just before its deadline is given a moment: to end it is to replace its worker.
    if (ranMs >= limitMs || (until !== undefined && now >= until && ranMs >= HELD_MS))
      this.#events.ended(worker, overran(versioned(spec), ranMs))
  }
}

const RESTS =
  'most of its calls break, and it rests after each that does while other functions are called; look at what those end with'

const late = (name: string, breaks: boolean): GatewayError =>
  new GatewayError(
    'FUNCTION_TIMED_OUT',
    `${name} (function): waiting for an instance: the deadline passed; ${breaks ? RESTS : 'raise pool.max or the timeout'}`,
  )

const waited = (name: string): GatewayError =>
  new GatewayError(
    'FUNCTION_TIMED_OUT',
    `${name} (function): running: ended while it waited for what it asked of the gateway; raise timeout`,
    { fingerprint: 'timeout' },
  )

const overran = (name: string, ranMs: number): GatewayError =>
  new GatewayError(
    'FUNCTION_TIMED_OUT',
    `${name} (function): running: ended after ${Math.round(ranMs)} ms; raise timeout, or find the loop`,
    {
      fingerprint: 'timeout',
    },
  )
