/** A limit by key: kept for each key, and a busy key holds up nobody else, however much of it waits. */

import { expect, test } from 'vitest'
import { openMemoryJournal } from '../journal/memory.ts'
import { WAITING } from './controlled.ts'
import { Bench, fill, subjectOf, TestClock, turns } from './harness.ts'

const open = (limit: number, places?: number) => {
  const clock = new TestClock()
  const journal = openMemoryJournal({ now: clock.now })
  return { journal, bench: new Bench(journal, clock, { concurrency: { limit, keyOf: subjectOf } }, places), clock }
}

test('deliveries of one key never exceed the limit, those of other keys go past them', async () => {
  const { bench, journal } = open(2)
  await fill(journal, ['a', 'a', 'a', 'a', 'b', 'c'])
  await turns()
  expect(bench.subjects).toEqual(['a', 'a', 'b', 'c'])
  await bench.end('a')
  expect(bench.subjects).toEqual(['a', 'a', 'b', 'c', 'a', 'a'])
  await bench.endAll()
  expect(journal.stats().pending).toBe(0)
  await bench.dispatcher.stop(10)
})

test('the places are a limit of their own, whatever the keys', async () => {
  const { bench, journal } = open(2, 3)
  await fill(journal, ['a', 'b', 'c', 'd', 'a'])
  await turns()
  expect(bench.subjects).toEqual(['a', 'b', 'c'])
  await bench.end('a')
  expect(bench.subjects).toEqual(['a', 'b', 'c', 'd'])
  await bench.endAll()
  expect(bench.begun).toHaveLength(5)
  await bench.dispatcher.stop(10)
})

test('with one place, what waits for its key does not starve', async () => {
  const { bench, journal } = open(1, 1)
  await fill(journal, ['a', 'a', 'b', 'a'])
  await turns()
  await bench.endAll()
  expect(bench.begun).toHaveLength(4)
  await bench.dispatcher.stop(10)
})

test('more of a busy key than fits in memory waits on the timer, as the same attempt, and others still go past', async () => {
  const { bench, clock, journal } = open(1)
  const many = WAITING.count + 50
  await fill(journal, [...Array.from({ length: many }, () => 'busy'), 'other'])
  await turns()
  expect(bench.subjects).toEqual(['busy', 'other'])
  await bench.end('other')
  for (let guard = 0; journal.stats().pending > 0 && guard < many * 3; guard += 1) {
    await clock.pass(2_000)
    // The alarm of the journal runs on the machine's time; what is offered makes it look.
    await fill(journal, ['knock'])
    await turns()
    await bench.endAll()
  }
  expect(journal.stats().pending).toBe(0)
  expect(bench.subjects.filter((subject) => subject === 'busy')).toHaveLength(many)
  expect(bench.begun.every(({ attempt }) => attempt === 1)).toBe(true)
  await bench.dispatcher.stop(10)
})

test('a stop gives back what waits, in its order, and ends', async () => {
  const { bench, journal } = open(1)
  await fill(journal, ['a', 'a', 'a'])
  await turns()
  const stopped = bench.dispatcher.stop(5_000)
  await bench.endAll()
  await stopped
  expect(journal.stats().pending).toBe(2)
  const claim = journal.claim({ route: 'r', to: 'f' }, new AbortController().signal)
  const left = [await claim.next(), await claim.next()].map(
    ({ value }) => `${value.event.id.split('-')[1]} ${value.attempt}`,
  )
  expect(left).toEqual(['1 1', '2 1'])
})
