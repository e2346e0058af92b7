/** A rate: never more starts in any stretch of time than it says, for each key, and nothing is lost or used up for it. */

import { describe, expect, test } from 'vitest'
import { openMemoryJournal } from '../journal/memory.ts'
import { route, router } from '../router/harness.ts'
import { Breakers } from './breakers.ts'
import { laneControls } from './controls.ts'
import { Bench, fill, NOW, SILENT, subjectOf, TestClock, turns } from './harness.ts'
import { Window } from './window.ts'

describe('a window', () => {
  test('is full with its limit, and free again when the oldest start has left it', () => {
    const window = new Window(2, 100)
    window.start(0)
    window.start(60)
    expect(window.freeAt).toBe(100)
    window.start(100)
    expect(window.freeAt).toBe(160)
    expect(window.idle(199)).toBe(false)
    expect(window.idle(200)).toBe(true)
  })
})

const open = (limit: number, perMs: number, keyed: boolean) => {
  const clock = new TestClock()
  const journal = openMemoryJournal({ now: clock.now })
  const rate = { limit, perMs, ...(keyed ? { keyOf: subjectOf } : {}) }
  return { journal, bench: new Bench(journal, clock, { rate }, 100), clock }
}

/** The most starts in any stretch of that length. */
const most = (times: readonly number[], perMs: number): number =>
  Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + perMs).length))

test('what is over the rate of the lane is not even claimed, and starts in its order', async () => {
  const { bench, clock, journal } = open(3, 1_000, false)
  await fill(journal, ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  await turns()
  expect(bench.subjects).toEqual(['a', 'b', 'c'])
  await bench.endAll()
  await clock.pass(999)
  expect(bench.begun).toHaveLength(3)
  await clock.pass(1)
  expect(bench.subjects).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  await clock.pass(1_000)
  expect(bench.begun.map(({ at }) => at)).toEqual([0, 0, 0, 1_000, 1_000, 1_000, 2_000])
  await bench.endAll()
  await bench.dispatcher.stop(10)
})

test('each key has the rate for itself; those over it hold up nobody and no place', async () => {
  const { bench, clock, journal } = open(2, 1_000, true)
  await fill(journal, ['a', 'a', 'a', 'a', 'a', 'b', 'c', 'b', 'b'])
  await turns()
  expect(bench.subjects).toEqual(['a', 'a', 'b', 'c', 'b'])
  await clock.pass(5_000)
  for (const subject of ['a', 'b', 'c']) {
    const times = bench.begun.filter((each) => each.subject === subject).map(({ at }) => at)
    expect(most(times, 1_000), subject).toBeLessThanOrEqual(2)
  }
  expect(bench.begun).toHaveLength(9)
  expect(bench.begun.every(({ attempt }) => attempt === 1)).toBe(true)
  await bench.endAll()
  await bench.dispatcher.stop(10)
})

test('whoever comes later does not pass those that wait', async () => {
  const { bench, clock, journal } = open(1, 1_000, true)
  await fill(journal, ['a', 'a', 'a'])
  await turns()
  const ids = [...bench.running.keys()]
  clock.time += 1_000
  await fill(journal, ['a'])
  await clock.pass(3_000)
  expect(bench.begun.map(({ at }) => at)).toEqual([0, 1_000, 2_000, 3_000])
  expect([...bench.running.keys()].map((id) => id.split('-')[1])).toEqual(['0', '1', '2', '0'])
  expect([...bench.running.keys()][0]).toBe(ids[0])
  await bench.endAll()
  await bench.dispatcher.stop(10)
})

test('a retry counts as a start', async () => {
  const clock = new TestClock()
  const journal = openMemoryJournal({ now: clock.now })
  const begun: number[] = []
  const bench = new Bench(journal, clock, { rate: { limit: 1, perMs: 1_000 } }, 4, async (delivery) => {
    begun.push(clock.time - NOW)
    const failed = { status: 'retry', at: clock.time, error: { code: 'X', message: 'x', type: 'SystemError' } } as const
    return { settled: journal.settle(delivery, delivery.attempt < 3 ? failed : { status: 'done' }) }
  })
  await fill(journal, ['a'])
  await clock.pass(5_000)
  expect(begun).toEqual([0, 1_000, 2_000])
  await bench.dispatcher.stop(10)
})

const ECHO = { kind: 'function', text: 'f', name: 'f' } as const

test('the key is read off the event, and those without one share a limit', () => {
  const made = route('r', { controls: { rate: { limit: 1, perMs: 1, key: 'data.account' } } })
  const controls = laneControls(made, ECHO, { router: router([made]), breakers: new Breakers(SILENT) })
  const of = (json?: unknown) =>
    controls?.rate?.keyOf?.({
      id: '1',
      route: 'r',
      to: 'f',
      event: {
        specversion: '1.0',
        id: '1',
        source: '/s',
        type: 't',
        ...(json ? { data: Buffer.from(JSON.stringify(json)), datacontenttype: 'application/json' } : {}),
      },
      origin: { source: 'http', address: '' },
      callId: 'c',
      answers: false,
      attempt: 1,
      acceptedAt: 0,
    })
  expect([of({ account: 'x' }), of({ account: 7 }), of({}), of()]).toEqual(['x', '7', '', ''])
  expect(laneControls(route('bare'), ECHO, { router: router([]), breakers: new Breakers(SILENT) })).toBeUndefined()
})
