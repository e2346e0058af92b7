/** Picks due deliveries, lane by lane, and keeps each lane within its concurrency. */

import { toGatewayError } from '../errors.ts'
import type { Delivery, Journal } from '../journal/journal.ts'
import { ControlledLane } from './controlled.ts'
import { type LaneWork, Places, type ServedLane } from './served.ts'
import type { Standing } from './standing.ts'
import { mayBegin, nextTurn } from './turn.ts'

export type { LaneWork, ServedLane } from './served.ts'

/** What dispatch needs of the journal. */
export type DispatchJournal = Pick<Journal, 'claim' | 'postpone' | 'release'>

/** Runs lanes until it is stopped. A slow or poisoned delivery holds its own place and nothing else. */
export class Dispatcher {
  readonly #journal: DispatchJournal
  readonly #failed: (error: Error) => void
  readonly #abort = new AbortController()
  readonly #served = new Set<LaneServer | ControlledLane>()
  #stopped = false

  /** `failed` hears what ends the gateway. */
  constructor(journal: DispatchJournal, failed: (error: Error) => void) {
    this.#journal = journal
    this.#failed = failed
  }

  /**
   * Begins to take the deliveries of a lane. `instead` is the lane in whose place it comes, left before: what still runs
   * of it counts against the limit of this one.
   */
  add(lane: LaneWork, instead?: ServedLane): ServedLane {
    const places = instead instanceof LaneServer || instead instanceof ControlledLane ? instead.places : new Places()
    places.resize(lane.concurrency)
    const server = this.#serverOf(lane, places)
    this.#served.add(server)
    void server.serve(this.#journal).then(() => this.#served.delete(server))
    if (this.#stopped) void server.leave()
    return server
  }

  #serverOf(lane: LaneWork, places: Places): LaneServer | ControlledLane {
    if (lane.controls === undefined) return new LaneServer(lane, places, this.#abort.signal, this.#failed)
    return new ControlledLane(lane, lane.controls, places, this.#journal, this.#abort.signal, this.#failed)
  }

  /** Takes no more, waits up to `graceMs` for what is under way, then gives the rest back. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true
    const left = Array.from(this.#served, (server) => server.leave())
    const timer = setTimeout(() => this.#abort.abort(), graceMs)
    await Promise.all(left)
    clearTimeout(timer)
  }
}

class LaneServer implements ServedLane {
  readonly places: Places
  readonly #lane: LaneWork
  readonly #abort: AbortSignal
  readonly #failed: (error: Error) => void
  readonly #leaving = new AbortController()
  /** The claim, and each delivery that runs. */
  #open = 1
  readonly #over = Promise.withResolvers<void>()

  constructor(lane: LaneWork, places: Places, abort: AbortSignal, failed: (error: Error) => void) {
    this.#lane = lane
    this.places = places
    this.#abort = abort
    this.#failed = failed
  }

  leave(): Promise<void> {
    this.#leaving.abort()
    this.places.give()
    return this.#over.promise
  }

  standing = (id: string): Standing | undefined => this.places.runs(id) ?? this.places.full()

  inHand = (key: string): Delivery | undefined => this.places.ofKey(key)

  /** Resolves once the lane was left and nothing of it runs. */
  async serve(journal: Pick<Journal, 'claim'>): Promise<void> {
    try {
      await this.#claim(journal)
    } catch (error) {
      this.#failed(toGatewayError(error))
    }
    this.#close()
    return this.#over.promise
  }

  async #claim(journal: Pick<Journal, 'claim'>): Promise<void> {
    const { signal } = this.#leaving
    const deliveries = journal.claim(this.#lane, signal)
    while (!signal.aborted) {
      if (!this.places.take() && !(await this.places.wait())) break
      const next = signal.aborted ? undefined : await deliveries.next()
      if (next === undefined || next.done) {
        this.places.free()
        break
      }
      if (!mayBegin()) await nextTurn()
      void this.#run(next.value)
    }
    await deliveries.return?.()
  }

  /** One delivery to the end of its settle; it never rejects. */
  async #run(delivery: Delivery): Promise<void> {
    this.#open += 1
    this.places.running.set(delivery, Date.now())
    try {
      let settled: Promise<void>
      try {
        settled = (await this.#lane.run(delivery, this.#abort)).settled
      } finally {
        this.places.running.delete(delivery)
        this.places.free()
      }
      await settled
    } catch (error) {
      this.#failed(toGatewayError(error))
    }
    this.#close()
  }

  #close(): void {
    this.#open -= 1
    if (this.#open === 0) this.#over.resolve()
  }
}
