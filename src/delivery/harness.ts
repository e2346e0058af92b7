/** What tests of dispatch share: a clock that they move, lanes whose deliveries end when told, events in a journal. */

import { expect } from 'vitest'
import type { Delivery, Journal, Lane, RouteRef } from '../journal/journal.ts'
import type { Clock } from './clock.ts'
import type { LaneControls } from './controls.ts'
import { Dispatcher, type LaneWork, type ServedLane } from './dispatch.ts'

export const LANE: Lane = { route: 'r', to: 'f' }
export const NOW = 1_800_000_000_000

export const SILENT = { error: () => undefined, warn: () => undefined, info: () => undefined }

/** A clock that stands until it is moved. */
export class TestClock implements Clock {
  time = NOW
  readonly #rings = new Map<object, { readonly time: number; readonly ring: () => void }>()

  now = (): number => this.time

  at(time: number, ring: () => void): () => void {
    const id = {}
    this.#rings.set(id, { time, ring })
    return () => this.#rings.delete(id)
  }

  /** Moves on, and rings what is due on the way, each at its time. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms
    for (;;) {
      await turns()
      const [next] = [...this.#rings].sort(([, a], [, b]) => a.time - b.time)
      if (next === undefined || next[1].time > end) break
      this.time = Math.max(this.time, next[1].time)
      this.#rings.delete(next[0])
      next[1].ring()
    }
    this.time = end
    await turns()
  }
}

/** Lets everything happen that can happen without time. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** Resolves once `check` holds. */
export async function until(check: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000 && !check(); turn += 1) await new Promise((resolve) => setImmediate(resolve))
  expect(check()).toBe(true)
}

/** Appends one event for each subject, in order. */
export async function fill(
  journal: Pick<Journal, 'append'>,
  subjects: readonly string[],
  ref: Partial<RouteRef> = {},
): Promise<void> {
  for (const [at, subject] of subjects.entries()) {
    const id = `${subject}-${at}-${names++}`
    const event = { specversion: '1.0', id, source: '/s', type: 't', subject } as const
    await journal.append({ event, origin: { source: 'http', address: '' }, callId: id, routes: [{ ...LANE, ...ref }] })
  }
}
let names = 0

export const subjectOf = ({ event }: Delivery): string => event.subject ?? ''

/** A lane whose deliveries run until they are ended. */
export class Bench {
  readonly clock: TestClock
  readonly dispatcher: Dispatcher
  readonly lane: ServedLane
  /** Subjects of what began, in order, with the time of each. */
  readonly begun: { readonly subject: string; readonly at: number; readonly attempt: number }[] = []
  readonly running = new Map<string, () => Promise<void>>()
  readonly #journal: Journal

  constructor(
    journal: Journal,
    clock: TestClock,
    controls: Omit<LaneControls, 'clock'>,
    concurrency = 8,
    run: LaneWork['run'] = (delivery) => this.#run(delivery),
  ) {
    this.clock = clock
    this.#journal = journal
    this.dispatcher = new Dispatcher(journal, (error) => expect.fail(error.message))
    this.lane = this.dispatcher.add({ ...LANE, concurrency, controls: { ...controls, clock }, run })
  }

  get subjects(): readonly string[] {
    return this.begun.map(({ subject }) => subject)
  }

  /** Ends what runs of a subject. */
  async end(subject: string): Promise<void> {
    for (const [id, end] of [...this.running]) if (id.startsWith(`${subject}-`)) await end()
    await turns()
  }

  /** Ends what runs, and what begins then, until nothing does. */
  async endAll(): Promise<void> {
    while (this.running.size > 0) {
      for (const end of [...this.running.values()]) await end()
      await turns()
    }
  }

  async #run(delivery: Delivery): Promise<{ readonly settled: Promise<void> }> {
    this.begun.push({ subject: subjectOf(delivery), at: this.clock.time - NOW, attempt: delivery.attempt })
    const over = Promise.withResolvers<void>()
    this.running.set(delivery.event.id, async () => {
      this.running.delete(delivery.event.id)
      over.resolve()
    })
    await over.promise
    return { settled: this.#journal.settle(delivery, { status: 'done' }) }
  }
}
