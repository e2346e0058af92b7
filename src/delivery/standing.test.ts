/** Where deliveries stand that are not settled: for each form of wait, what it is for, and until when. */

import { describe, expect, test } from 'vitest'
import type { DeliveryRecord, Journal } from '../journal/journal.ts'
import { openMemoryJournal } from '../journal/memory.ts'
import { route } from '../router/harness.ts'
import type { Controls } from '../router/route.ts'
import { Breaker } from './breaker.ts'
import type { LaneControls } from './controls.ts'
import { Dispatcher } from './dispatch.ts'
import { Bench, fill, LANE, NOW, subjectOf, TestClock, turns } from './harness.ts'
import { type Asked, type Standing, standingOf } from './standing.ts'

/** Where each delivery stands, in the order of append. */
async function standings(
  journal: Journal,
  asked: Partial<Asked> & Pick<Asked, 'lane'>,
): Promise<(Standing | undefined)[]> {
  const found: DeliveryRecord[] = []
  for await (const { callId } of journal.events()) found.push(...((await journal.find({ callId }))?.deliveries ?? []))
  return found.map((each) => standingOf(each, { route: route('r'), key: undefined, now: NOW, ...asked }))
}

async function open(controls: Omit<LaneControls, 'clock'>, subjects: readonly string[], concurrency?: number) {
  const clock = new TestClock()
  const journal = openMemoryJournal({ now: clock.now })
  const bench = new Bench(journal, clock, controls, concurrency)
  await fill(journal, subjects)
  await turns()
  const close = async () => {
    const stopped = bench.dispatcher.stop(10)
    await bench.endAll()
    await stopped
  }
  return {
    bench,
    clock,
    journal,
    stand: () => standings(journal, { lane: bench.lane, now: clock.now() }),
    [Symbol.asyncDispose]: close,
  }
}

const RUNS = { runsSince: NOW }

describe('a delivery waits', () => {
  test('for one of the places of its key, behind those that came before', async () => {
    await using lane = await open({ concurrency: { limit: 1, keyOf: subjectOf } }, ['ada', 'ada', 'ada', 'bob'])
    const what = 'the one place of the key "ada" ("concurrency")'
    expect(await lane.stand()).toEqual([
      RUNS,
      { for: 'concurrency', what },
      { for: 'concurrency', what: `${what}, behind 1 more` },
      RUNS,
    ])
    await lane.bench.end('bob')
    expect((await lane.stand())[3]).toBeUndefined()
  })

  test('for a place of its target, whether its route has limits beside that or not', async () => {
    const what = 'one of the 2 places of its target'
    await using lane = await open({ concurrency: { limit: 9, keyOf: subjectOf } }, ['a', 'b', 'c'], 2)
    expect(await lane.stand()).toEqual([RUNS, RUNS, { for: 'concurrency', what }])

    const journal = openMemoryJournal()
    const dispatcher = new Dispatcher(journal, (error) => expect.fail(error.message))
    const over = Promise.withResolvers<void>()
    const run = () => over.promise.then(() => ({ settled: Promise.resolve() }))
    const plain = dispatcher.add({ ...LANE, concurrency: 2, run })
    await fill(journal, ['a', 'b', 'c'])
    await turns()
    const since = { runsSince: expect.any(Number) }
    expect(await standings(journal, { lane: plain })).toEqual([since, since, { for: 'concurrency', what }])
    over.resolve()
    await dispatcher.stop(10)
  })

  test('for its rate, until the first may begin; by key, too', async () => {
    await using whole = await open({ rate: { limit: 1, perMs: 60_000 } }, ['a', 'b'])
    const until = NOW + 60_000
    expect(await whole.stand()).toEqual([RUNS, { for: 'rate', what: 'its rate of 1 in 60 s', until }])
    await using keyed = await open({ rate: { limit: 1, perMs: 60_000, keyOf: subjectOf } }, ['a', 'a', 'a', 'b'])
    const what = 'its rate of 1 in 60 s for the key "a"'
    expect(await keyed.stand()).toEqual([
      RUNS,
      { for: 'rate', what, until },
      { for: 'rate', what: `${what}, behind 1 more`, until },
      RUNS,
    ])
  })

  test('for its batch, until that is made', async () => {
    await using lane = await open({ batch: { max: 100, waitMs: 5_000 } }, ['a', 'b'])
    const wait = { for: 'batch', what: 'its batch: 2 of 100 have come', until: NOW + 5_000 }
    expect(await lane.stand()).toEqual([wait, wait])
  })

  test('for its breaker, until that lets one try, and then for the one that tries', async () => {
    const clock = new TestClock()
    const breaker = new Breaker(LANE, { options: { failures: 1, openMs: 10_000 } }, clock, () => undefined)
    await using lane = await open({ breaker }, [])
    breaker.failed('shop (http): delivering: no answer')
    await fill(lane.journal, ['a', 'b'])
    await turns()
    const what = 'its breaker, which is open: shop (http): delivering: no answer'
    const wait = { for: 'breaker', what, until: NOW + 10_000 }
    expect(await lane.stand()).toEqual([wait, wait])
    await clock.pass(10_000)
    const tries = { for: 'breaker', what: 'its breaker: one delivery tries whether the target works' }
    expect(await lane.stand()).toEqual([RUNS, tries])
  })

  test('for a sink that is gone, until somebody acts', async () => {
    const breaker = new Breaker(LANE, { sink: 'billing' }, new TestClock(), () => undefined)
    breaker.hold('billing (http): delivering: answered 410')
    await using lane = await open({ breaker }, ['a'])
    expect(await lane.stand()).toEqual([
      {
        for: 'sink',
        what: 'its sink, which is gone: billing (http): delivering: answered 410',
        next: 'change the sink and reload, or run: headgate resume billing',
      },
    ])
  })

  test('for the earlier one of its key', async () => {
    const journal = openMemoryJournal()
    const dispatcher = new Dispatcher(journal, (error) => expect.fail(error.message))
    const over = Promise.withResolvers<void>()
    const lane = dispatcher.add({
      ...LANE,
      concurrency: 4,
      run: () => over.promise.then(() => ({ settled: Promise.resolve() })),
    })
    await fill(journal, ['first', 'second'], { key: 'a' })
    await turns()
    const [runs, waits] = await standings(journal, { lane, key: 'a' })
    expect(runs).toEqual({ runsSince: expect.any(Number) })
    expect(waits).toMatchObject({ for: 'order_by' })
    expect(waits).toHaveProperty(
      'what',
      expect.stringMatching(/^an earlier one with the same "order_by" \("a"\): first-0-\d+, which is under way$/),
    )
    over.resolve()
    await dispatcher.stop(10)
  })
})

describe('what the record alone says', () => {
  const due = (more: Partial<DeliveryRecord> = {}): DeliveryRecord => ({
    id: '1-0',
    ...LANE,
    status: 'due',
    answers: false,
    attempts: 0,
    due: NOW + 500,
    ...more,
  })
  const idle = { leave: async () => undefined, standing: () => undefined, inHand: () => undefined }
  const of = (record: DeliveryRecord, controls?: Controls, more: Partial<Asked> = {}) =>
    standingOf(record, {
      route: route('r', controls ? { controls } : {}),
      lane: idle,
      key: undefined,
      now: NOW,
      ...more,
    })
  const until = NOW + 500

  test('is told: its delay, its debounce, its next attempt, room among very many', () => {
    expect(of(due(), { delayMs: 9 })).toEqual({ for: 'delay', what: 'its delay', until })
    expect(of(due(), { debounce: { waitMs: 9 } })).toMatchObject({ for: 'debounce', until })
    expect(of(due({ attempts: 2 }), { delayMs: 9 })).toEqual({ for: 'retry', what: 'its next attempt', until })
    expect(of(due(), { rate: { limit: 1, perMs: 9 } })).toMatchObject({ for: 'rate', until })
    expect(of(due(), { concurrency: { limit: 1, key: 'subject' } })).toMatchObject({ for: 'concurrency', until })
  })

  test('does not hide what lasts longer', () => {
    const held = (standing: Standing) =>
      of(due({ attempts: 1 }), undefined, { lane: { ...idle, standing: () => standing } })
    expect(held({ for: 'sink', what: 'gone' })).toMatchObject({ for: 'sink' })
    expect(held({ for: 'breaker', what: 'open', until: NOW + 501 })).toMatchObject({ for: 'breaker' })
    expect(held({ for: 'breaker', what: 'open', until: NOW + 499 })).toMatchObject({ for: 'retry' })
    expect(held({ for: 'concurrency', what: 'full' })).toMatchObject({ for: 'retry' })
  })

  test('with its time come, and its lane idle: the one of its key that is tried again, or its turn', () => {
    expect(of(due({ due: NOW - 1 }), undefined, { key: 'a' })).toEqual({
      for: 'order_by',
      what: 'an earlier one with the same "order_by" ("a"), which is to be tried again',
    })
    expect(of(due({ due: NOW - 1 }))).toMatchObject({ for: 'turn' })
    expect(of(due({ status: 'dead' }))).toBeUndefined()
  })

  test('a route or a target that is not there any more', () => {
    const gone = of(due(), undefined, { lane: undefined, route: undefined })
    expect(gone).toMatchObject({ for: 'route', what: 'a route: the configuration has none of the name r' })
    expect(gone).toHaveProperty('next', expect.stringContaining('add it'))
    expect(of(due(), undefined, { lane: undefined })).toMatchObject({
      what: 'a target: the route r sends nothing to "f" any more',
    })
  })
})
