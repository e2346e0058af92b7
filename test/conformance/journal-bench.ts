/** Drives one journal for the journal suite: makes entries, takes deliveries, and sees that nothing comes. */

import assert from 'node:assert/strict'
import type {
  DeadLetter,
  DeadLetterFilter,
  Delivery,
  Entry,
  Failure,
  Journal,
  Lane,
} from '../../src/journal/journal.ts'

export interface JournalOpenOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly retainMs: number
  /** Room for events. */
  readonly maxBytes: number
}

export interface JournalHarness {
  /** Opens an empty journal. The suite disposes of it. */
  open(options: JournalOpenOptions): Promise<Journal>
  /** Closes a journal without settling what is leased, and opens what it left. Absent when nothing survives. */
  reopen?(journal: Journal, options: JournalOpenOptions): Promise<Journal>
  /** How long anything may take that must happen; 10 s unless told. */
  readonly deadlineMs?: number
}

/** Milliseconds since the epoch; moved by the tests. */
export interface Clock {
  time: number
}

export const LANE: Lane = { route: 'orders', to: 'function:check' }
export const OTHER: Lane = { route: 'orders', to: 'sink:archive' }
export const ERROR: Failure = { code: 'SINK_UNAVAILABLE', message: 'no answer', type: 'SystemError' }
export const DAY = 86_400_000

/** An entry named `id`, on one lane, unless told otherwise. */
export function entry(id: string, parts: Partial<Entry> = {}): Entry {
  const data = new TextEncoder().encode(`{"id":"${id}"}`)
  return {
    event: { specversion: '1.0', id, source: '/suite', type: 'test.made', data },
    origin: { source: 'suite', address: 'bench' },
    callId: `call-${id}`,
    routes: [LANE],
    ...parts,
  }
}

export const names = (deliveries: readonly Delivery[]): readonly string[] => deliveries.map(({ event }) => event.id)

export class JournalBench implements AsyncDisposable {
  /** The clock that the journal was given. */
  readonly clock: Clock
  journal: Journal
  readonly #harness: JournalHarness
  readonly #options: JournalOpenOptions
  #controller = new AbortController()
  readonly #claims = new Map<string, AsyncIterableIterator<Delivery>>()
  #probes = 0

  private constructor(harness: JournalHarness, options: JournalOpenOptions, journal: Journal, clock: Clock) {
    this.#harness = harness
    this.#options = options
    this.journal = journal
    this.clock = clock
  }

  static async open(harness: JournalHarness, options: Partial<JournalOpenOptions> = {}): Promise<JournalBench> {
    const clock: Clock = { time: 1_800_000_000_000 }
    const given = { now: () => clock.time, retainMs: DAY, maxBytes: 2 ** 30, ...options }
    return new JournalBench(harness, given, await harness.open(given), clock)
  }

  get durable(): boolean {
    return this.#harness.reopen !== undefined
  }

  /** Closes and opens again. Claims are new, leases are gone. */
  async reopen(): Promise<void> {
    this.#controller.abort()
    this.#controller = new AbortController()
    this.#claims.clear()
    assert.ok(this.#harness.reopen)
    this.journal = await this.#harness.reopen(this.journal, this.#options)
  }

  append(...entries: readonly Entry[]): Promise<unknown> {
    return Promise.all(entries.map((each) => this.journal.append(each)))
  }

  claim(lane: Lane = LANE): AsyncIterableIterator<Delivery> {
    return this.journal.claim(lane, this.#controller.signal)
  }

  /** The next delivery of a lane; rejects when there is none within the deadline. */
  async take(lane: Lane = LANE, claim?: AsyncIterableIterator<Delivery>): Promise<Delivery> {
    const name = `${lane.route} ${lane.to}`
    const own = claim ?? this.#claims.get(name) ?? this.claim(lane)
    if (claim === undefined) this.#claims.set(name, own)
    const result = await within(own.next(), this.#harness.deadlineMs ?? 10_000, `a delivery of ${name}`)
    assert.ok(result.done !== true, `${name}: the iteration has ended`)
    return result.value
  }

  async takeMany(count: number, lane: Lane = LANE): Promise<Delivery[]> {
    const taken: Delivery[] = []
    while (taken.length < count) taken.push(await this.take(lane))
    return taken
  }

  /** Sees that a lane has nothing to hand out: what is appended to it now comes before anything else does. */
  async nothing(lane: Lane = LANE): Promise<void> {
    const id = `probe-${this.#probes++}`
    await this.journal.append(entry(id, { routes: [lane] }))
    const delivery = await this.take(lane)
    assert.equal(delivery.event.id, id, `nothing was due, and yet "${delivery.event.id}" was handed out`)
    await this.journal.settle(delivery, { status: 'done' })
  }

  async die(...ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await this.append(entry(id))
      await this.journal.settle(await this.take(), { status: 'dead', error: { ...ERROR, message: id } })
      this.clock.time += 10
    }
  }

  async letters(filter: DeadLetterFilter = {}): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = []
    for await (const letter of this.journal.deadLetters(filter)) letters.push(letter)
    return letters
  }

  async dead(filter: DeadLetterFilter = {}): Promise<string[]> {
    return (await this.letters(filter)).map(({ event }) => event.id)
  }

  /** Resolves once `check` holds; the suite never sleeps for a time that is hoped to be enough. */
  async until(check: () => Promise<boolean>, what: string): Promise<void> {
    const end = performance.now() + (this.#harness.deadlineMs ?? 10_000)
    while (!(await check())) {
      if (performance.now() > end) throw new assert.AssertionError({ message: `never happened: ${what}` })
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort()
    await this.journal[Symbol.asyncDispose]()
  }
}

async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new assert.AssertionError({ message: `never happened: ${what}` })), ms)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
