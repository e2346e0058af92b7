/** Properties: whatever is appended, tried, retried and restarted, the journal hands out what a plain model does. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { entry, LANE } from '../../test/conformance/journal-bench.ts'
import { ModelJournal } from '../../test/conformance/journal-model.ts'
import { EventDraft, encodeEvent } from '../event/index.ts'
import { Deque } from './deque.ts'
import { Heap } from './heap.ts'
import { openJournal } from './index.ts'
import type { Delivery, Journal, Outcome } from './journal.ts'

const ERROR = { code: 'SINK_UNAVAILABLE', message: 'no', type: 'SystemError' } as const

/** One turn: events appended, the clock moved, all that is due taken and settled in one of these ways; maybe a restart. */
const turn = fc.record({
  appends: fc.array(
    fc.record({
      key: fc.constantFrom(undefined, undefined, 'a', 'b'),
      wait: fc.constantFrom(0, 0, 0, 500, 2_000),
      last: fc.constantFrom(undefined, undefined, undefined, 'x', 'y'),
      once: fc.constantFrom(undefined, undefined, undefined, undefined, 'o', 'p'),
    }),
    { maxLength: 6 },
  ),
  pass: fc.constantFrom(0, 300, 1_000, 5_000),
  ends: fc.array(fc.constantFrom('done', 'retry', 'dead', 'keep', 'release', 'postpone'), {
    minLength: 1,
    maxLength: 5,
  }),
  restart: fc.boolean(),
})

interface Append {
  readonly key: string | undefined
  readonly wait: number
  /** The name under which the last alone is made. */
  readonly last: string | undefined
  /** The name that is taken once. */
  readonly once: string | undefined
}

class Pair {
  readonly clock = { time: 1_800_000_000_000 }
  readonly #options = { now: () => this.clock.time, retainMs: 86_400_000, maxBytes: 2 ** 30 }
  readonly #path: string
  readonly model: ModelJournal[] = []
  readonly real: Journal[] = []
  readonly #kept = new Map<string, readonly [Delivery, Delivery]>()
  #next = 0

  constructor(path: string) {
    this.#path = path
  }

  async restart(): Promise<void> {
    const [model, real] = [this.model.pop(), this.real.pop()]
    await model?.[Symbol.asyncDispose]()
    await real?.[Symbol.asyncDispose]()
    this.#kept.clear()
    this.model.push(new ModelJournal(this.#options, undefined, model?.disk))
    const { retainMs, maxBytes, now } = this.#options
    this.real.push(await openJournal({ path: this.#path, retainMs, maxBytes }, { now }))
    // What waits for the last of its name is looked at when something is asked of it.
    await this.append({ key: undefined, last: 'z', once: undefined, wait: 0 })
  }

  async append({ key, last, once, wait }: Append): Promise<void> {
    const debounce = last === undefined ? {} : { debounce: { name: last, waitMs: 400, maxWaitMs: 900 } }
    const due = wait > 0 ? { due: this.clock.time + wait } : {}
    const timing = last === undefined ? { ...due, ...(key === undefined ? {} : { key }) } : debounce
    const name = once === undefined ? {} : { once: { name: once, windowMs: 2_000 } }
    const made = entry(`e${this.#next++}`, { routes: [{ ...LANE, ...timing, ...name }] })
    await Promise.all([...this.model, ...this.real].map((journal) => journal.append(made)))
  }

  /** Takes what the model says is due, and nothing else, from both. */
  async take(): Promise<readonly (readonly [Delivery, Delivery])[]> {
    const expected = await this.#drain(this.model[0])
    const found = await this.#drain(this.real[0], expected.length)
    const name = ({ event, attempt, key }: Delivery): string => `${event.id} attempt ${attempt} key ${key}`
    expect(found.map(name).sort()).toEqual(expected.map(name).sort())
    return expected.map((delivery) => {
      const twin = found.find(({ event }) => event.id === delivery.event.id)
      if (twin === undefined) throw new Error('just compared')
      return [delivery, twin]
    })
  }

  async end([mine, twin]: readonly [Delivery, Delivery], how: string): Promise<void> {
    if (how === 'keep') return void this.#kept.set(mine.event.id, [mine, twin])
    const retry: Outcome = { status: 'retry', at: this.clock.time + 700, error: ERROR }
    const outcome: Outcome =
      how === 'done' ? { status: 'done' } : how === 'dead' ? { status: 'dead', error: ERROR } : retry
    for (const [journal, delivery] of [
      [this.model[0], mine],
      [this.real[0], twin],
    ] as const)
      if (how === 'release') journal?.release(delivery)
      else if (how === 'postpone') await journal?.postpone(delivery, this.clock.time + 700)
      else await journal?.settle(delivery, outcome)
  }

  async endKept(): Promise<void> {
    for (const pair of this.#kept.values()) await this.end(pair, 'done')
    this.#kept.clear()
  }

  async compare(): Promise<void> {
    const sums = (journal: Journal | undefined) => {
      const { events, pending, dead } = journal?.stats() ?? {}
      return { events, pending, dead }
    }
    expect(sums(this.real[0])).toEqual(sums(this.model[0]))
  }

  /** Takes until a probe comes, which is appended last; at least so many. */
  async #drain(journal: Journal | undefined, atLeast = 0): Promise<Delivery[]> {
    const taken: Delivery[] = []
    if (journal === undefined) return taken
    const controller = new AbortController()
    const claim = journal.claim(LANE, controller.signal)
    while (taken.length < atLeast) {
      const { value } = await claim.next()
      if (value) taken.push(value)
    }
    const id = `probe-${this.#next++}`
    await journal.append(entry(id, { routes: [LANE] }))
    for (;;) {
      const { value } = await claim.next()
      if (value?.event.id !== id) {
        if (value) taken.push(value)
        continue
      }
      await journal.settle(value, { status: 'done' })
      break
    }
    controller.abort()
    return taken
  }
}

test('due times, keys, attempts and restarts agree with the model', { timeout: 120_000 }, async () => {
  const root = mkdtempSync(join(tmpdir(), 'headgate-property-'))
  let runs = 0
  const property = fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 6 }), async (turns) => {
    const pair = new Pair(join(root, String(runs++)))
    await pair.restart()
    for (const { appends, pass, ends, restart } of turns) {
      for (const append of appends) await pair.append(append)
      pair.clock.time += pass
      const taken = await pair.take()
      for (const [index, each] of taken.entries()) await pair.end(each, ends[index % ends.length] ?? 'done')
      if (restart) await pair.restart()
      await pair.compare()
    }
    await pair.endKept()
    for (const journal of [...pair.model, ...pair.real]) await journal[Symbol.asyncDispose]()
  })
  try {
    await fc.assert(property, { numRuns: 60 })
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})

test('a heap gives back in order what it was given in any', () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), (numbers) => {
      const heap = new Heap<{ due: number }>()
      for (const due of numbers) heap.push({ due })
      const sorted: number[] = []
      for (let top = heap.pop(); top; top = heap.pop()) sorted.push(top.due)
      expect(sorted).toEqual([...numbers].sort((a, b) => a - b))
    }),
  )
})

test('a deque does what an array does', () => {
  const step = fc.oneof(fc.record({ push: fc.nat() }), fc.record({ unshift: fc.nat() }), fc.constant({ shift: true }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const [deque, array]: [Deque<number>, number[]] = [new Deque(), []]
      for (const each of steps) {
        if ('push' in each) {
          deque.push(each.push)
          array.push(each.push)
        } else if ('unshift' in each) {
          deque.unshift(each.unshift)
          array.unshift(each.unshift)
        } else expect(deque.shift()).toBe(array.shift())
        expect(deque.size).toBe(array.length)
      }
    }),
  )
})

test('an event drafted into a block has the bytes that the codec gives it', () => {
  const event = fc.record(
    {
      specversion: fc.constant('1.0' as const),
      id: fc.string({ unit: 'grapheme' }),
      source: fc.string(),
      type: fc.string(),
      subject: fc.string({ unit: 'grapheme' }),
      extensions: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean()), {
        noNullPrototype: true,
      }),
      data: fc.uint8Array(),
    },
    { requiredKeys: ['specversion', 'id', 'source', 'type'], noNullPrototype: true },
  )
  fc.assert(
    fc.property(event, fc.nat(9), (made, start) => {
      const draft = new EventDraft(made)
      const target = Buffer.alloc(start + draft.bytes)
      draft.writeTo(target, start)
      expect(target.subarray(start).equals(encodeEvent(made))).toBe(true)
    }),
  )
})
