/** Serves a lane whose route limits its deliveries by key or by time. What waits holds neither a place nor the others. */

import { toGatewayError } from '../errors.ts'
import type { Delivery, Journal } from '../journal/journal.ts'
import type { LaneControls } from './controls.ts'
import { type Gate, Gates, Line, Turnstile, type Unit } from './gates.ts'
import { Gathering } from './gathering.ts'
import type { LaneWork, Places, ServedLane } from './served.ts'
import { type Standing, standingIn } from './standing.ts'
import { mayBegin, nextTurn } from './turn.ts'

/** Deliveries that wait in memory, and the bytes of their data; beyond them they wait on the journal's timer. */
const WAITING_COUNT = 256
const WAITING_BYTES = 8 * 2 ** 20

/** What a controlled lane needs of the journal. */
export type ControlledJournal = Pick<Journal, 'claim' | 'postpone' | 'release'>

export class ControlledLane implements ServedLane {
  readonly places: Places
  readonly #lane: LaneWork
  readonly #controls: LaneControls
  readonly #journal: ControlledJournal
  readonly #abort: AbortSignal
  readonly #failed: (error: Error) => void
  readonly #leaving = new AbortController()
  readonly #lines: Gates<Line>
  readonly #turnstiles: Gates<Turnstile>
  /** Absent for a lane that makes its deliveries one by one. */
  readonly #gathering: Gathering | undefined
  /** Those that wait for nothing but a place. */
  readonly #ready: Unit[] = []
  #waitingCount = 0
  #waitingBytes = 0
  #awaitingPlace = false
  #stirred: (() => void) | undefined
  /** The claim, and each unit that runs. */
  #open = 1
  readonly #over = Promise.withResolvers<void>()

  constructor(
    lane: LaneWork,
    controls: LaneControls,
    places: Places,
    journal: ControlledJournal,
    abort: AbortSignal,
    failed: (error: Error) => void,
  ) {
    this.places = places
    this.#lane = lane
    this.#controls = controls
    this.#journal = journal
    this.#abort = abort
    this.#failed = failed
    const { batch, clock, rate } = controls
    this.#gathering = batch && new Gathering(batch, clock, (unit) => this.#try(unit))
    if (controls.breaker) controls.breaker.onAdmit = () => this.#stir()
    this.#lines = new Gates(
      () => new Line(),
      ({ running }) => running === 0,
    )
    this.#turnstiles = new Gates(
      () => new Turnstile(rate?.limit ?? 1, rate?.perMs ?? 0),
      ({ window }, now) => window.idle(now),
    )
  }

  leave(): Promise<void> {
    this.#leaving.abort()
    this.#controls.left?.()
    this.places.give()
    this.#stirred?.()
    return this.#over.promise
  }

  standing(id: string): Standing | undefined {
    const [lines, turnstiles, now] = [this.#lines, this.#turnstiles, this.#now()]
    const { places } = this
    return standingIn({ places, controls: this.#controls, gathering: this.#gathering, lines, turnstiles, now }, id)
  }

  inHand = (key: string): Delivery | undefined =>
    this.places.ofKey(key) ??
    this.#lines.ofKey(key) ??
    this.#turnstiles.ofKey(key) ??
    this.#ready.flat().find((delivery) => delivery.key === key)

  /** Resolves once the lane was left and nothing of it runs. */
  async serve(): Promise<void> {
    try {
      await this.#claim()
    } catch (error) {
      this.#failed(toGatewayError(error))
    }
    this.#giveBack()
    this.#close()
    return this.#over.promise
  }

  async #claim(): Promise<void> {
    const { signal } = this.#leaving
    const deliveries = this.#journal.claim(this.#lane, signal)
    while (!signal.aborted) {
      if (!this.#hasRoom()) {
        await new Promise<void>((resolve) => {
          this.#stirred = resolve
        })
        continue
      }
      const next = await deliveries.next()
      if (next.done) break
      if (!mayBegin()) await nextTurn()
      if (signal.aborted) this.#journal.release(next.value)
      else if (this.#gathering) this.#gathering.add(next.value)
      else this.#try([next.value], true)
    }
    await deliveries.return?.()
  }

  /** Whether one more delivery could begin, as far as that can be told before its key is known. */
  #hasRoom(): boolean {
    const { breaker, rate } = this.#controls
    if (breaker?.admits === false || this.#ready.length > 0 || !this.#hasPlace()) return false
    if (!rate || rate.keyOf) return true
    const turnstile = this.#turnstiles.get('', this.#now())
    if (this.#passes(turnstile)) return true
    this.#wakeAt(turnstile)
    return false
  }

  #hasPlace(): boolean {
    if (this.places.some) return true
    if (this.#awaitingPlace) return false
    this.#awaitingPlace = true
    void this.places.wait().then((held) => {
      this.#awaitingPlace = false
      if (held) this.places.free()
      this.#stir()
    })
    return false
  }

  /** Begins a unit, or has it wait for the first thing that is in its way. */
  #try(unit: Unit, isNew = false): void {
    const { breaker } = this.#controls
    if (breaker?.admits === false) {
      // A batch is to come back as it was.
      if (unit.length > 1) this.#gathering?.expect(unit)
      for (const delivery of unit.toReversed()) this.#journal.release(delivery)
      return
    }
    const line = this.#lineOf(unit)
    const turnstile = this.#turnstileOf(unit)
    if (line && line.running >= (this.#controls.concurrency?.limit ?? 0)) {
      this.#wait(unit, line)
      return
    }
    // Whoever comes new does not pass those that wait for the bell.
    if (turnstile && (!this.#passes(turnstile) || (isNew && turnstile.waiting.length > 0))) {
      this.#wakeAt(turnstile)
      this.#wait(unit, turnstile)
      return
    }
    if (!this.#hasPlace() || !this.places.take()) {
      this.#count(unit, 1)
      this.#ready.push(unit)
      return
    }
    turnstile?.window.start(this.#now())
    if (line) line.running += 1
    void this.#run(unit, line, breaker?.begin() === true)
  }

  #lineOf([first]: Unit): Line | undefined {
    const { concurrency } = this.#controls
    return concurrency && this.#lines.get(concurrency.keyOf(first), this.#now())
  }

  #turnstileOf([first]: Unit): Turnstile | undefined {
    const { rate } = this.#controls
    return rate && this.#turnstiles.get(rate.keyOf?.(first) ?? '', this.#now())
  }

  #passes({ window }: Turnstile): boolean {
    return window.freeAt <= this.#now()
  }

  #wakeAt(turnstile: Turnstile): void {
    turnstile.unset ??= this.#controls.clock.at(turnstile.window.freeAt, () => {
      turnstile.unset = undefined
      this.#drain(turnstile, () => this.#passes(turnstile))
      if (turnstile.waiting.length > 0) this.#wakeAt(turnstile)
      this.#stir()
    })
  }

  #wait(unit: Unit, gate: Gate): void {
    if (this.#waitingCount < WAITING_COUNT && this.#waitingBytes < WAITING_BYTES) {
      this.#count(unit, 1)
      gate.waiting.push(unit)
      return
    }
    const at = gate.nextTurn(this.#now())
    for (const delivery of unit)
      this.#journal.postpone(delivery, at).catch((error) => this.#failed(toGatewayError(error)))
  }

  /** Lets those go that wait at a gate, for as long as it is open. Each is tried once, and may come to wait elsewhere. */
  #drain({ waiting }: Gate, isOpen: () => boolean): void {
    for (let left = waiting.length; left > 0 && isOpen() && !this.#leaving.signal.aborted; left--) {
      const unit = waiting.shift()
      if (unit === undefined) return
      this.#count(unit, -1)
      this.#try(unit)
    }
  }

  /** Something has come free that nobody in particular waits for. */
  #stir(): void {
    this.#drain({ waiting: this.#ready, nextTurn: () => 0 }, () => this.places.some)
    const stirred = this.#stirred
    this.#stirred = undefined
    stirred?.()
  }

  /** One unit to the end of its settle; it never rejects. */
  async #run(unit: Unit, line: Line | undefined, tries: boolean): Promise<void> {
    this.#open += 1
    const { running } = this.places
    for (const delivery of unit) running.set(delivery, this.#now())
    try {
      let settled: Promise<void>
      try {
        settled = (await this.#make(unit)).settled
      } finally {
        for (const delivery of unit) running.delete(delivery)
        this.places.free()
        if (tries) this.#controls.breaker?.ended()
        if (line) this.#leaveLine(line)
        this.#stir()
      }
      await settled
    } catch (error) {
      this.#failed(toGatewayError(error))
    }
    this.#close()
  }

  async #make(unit: Unit): Promise<{ readonly settled: Promise<void> }> {
    const { run, runBatch } = this.#lane
    if (this.#gathering === undefined || runBatch === undefined) return run(unit[0], this.#abort)
    const made = await runBatch(unit, this.#abort)
    this.#gathering.expect(made.again)
    return made
  }

  #leaveLine(line: Line): void {
    line.running -= 1
    this.#drain(line, () => line.running < (this.#controls.concurrency?.limit ?? 0))
  }

  /** What waits in memory goes back to the journal as it was, the last first: each comes to stand before the others. */
  #giveBack(): void {
    const gates: Gate[] = [...this.#lines.all(), ...this.#turnstiles.all()]
    for (const turnstile of this.#turnstiles.all()) turnstile.unset?.()
    const units = [...this.#ready.splice(0), ...gates.flatMap((gate) => gate.waiting.splice(0))]
    const waiting = [...units.flat(), ...(this.#gathering?.leave() ?? [])]
    for (const delivery of waiting.reverse()) this.#journal.release(delivery)
    this.#waitingCount = 0
    this.#waitingBytes = 0
  }

  #count(unit: Unit, sign: 1 | -1): void {
    for (const { event } of unit) {
      this.#waitingCount += sign
      this.#waitingBytes += sign * (event.data?.length ?? 0)
    }
  }

  #now(): number {
    return this.#controls.clock.now()
  }

  #close(): void {
    this.#open -= 1
    if (this.#open === 0) this.#over.resolve()
  }
}

/** For tests: what a lane of this kind has waiting is bounded. */
export const WAITING = { count: WAITING_COUNT, bytes: WAITING_BYTES }
