/** What a journal must do for routes that say when, and which, of their deliveries are made. */

import assert from 'node:assert/strict'
import type { Entry, RouteRef } from '../../src/journal/journal.ts'
import type { JournalRequirement } from './journal.ts'
import { entry, LANE, names, OTHER } from './journal-bench.ts'

export const TIMING = {
  J29: {
    text: 'MUST hand out what was postponed at its time, not earlier, as the same attempt, its key taken until then',
    async run(bench) {
      await bench.append(entry('a'), entry('k1', { routes: [{ ...LANE, key: 'k' }] }))
      await bench.append(entry('k2', { routes: [{ ...LANE, key: 'k' }] }))
      for (const delivery of await bench.takeMany(2)) await bench.journal.postpone(delivery, bench.clock.time + 5_000)
      await bench.nothing()
      assert.equal(bench.journal.stats().pending, 3)
      bench.clock.time += 5_000
      const again = await bench.takeMany(2)
      assert.deepEqual(again.map(({ event, attempt }) => `${event.id} ${attempt}`).sort(), ['a 1', 'k1 1'])
      for (const delivery of again) await bench.journal.settle(delivery, { status: 'done' })
      assert.equal((await bench.take()).event.id, 'k2')
    },
  },
  J30: {
    text: 'MUST NOT hand out to a route what repeats a name within its window, and MUST tell of it as done',
    async run(bench) {
      const named = (id: string, more: Partial<RouteRef> = {}): Entry => {
        const once = { name: 'order-7', windowMs: 10_000 }
        return entry(id, { routes: [LANE, OTHER].map((lane) => ({ ...lane, once, ...more })) })
      }
      const receipts = await Promise.all([named('a'), named('b')].map((each) => bench.journal.append(each)))
      assert.deepEqual(receipts, [
        { callId: 'call-a', duplicate: false },
        { callId: 'call-b', duplicate: false, repeated: ['orders'] },
      ])
      bench.clock.time += 9_999
      assert.deepEqual((await bench.journal.append(named('c'))).repeated, ['orders'])
      assert.equal((await bench.journal.append(named('d', { route: 'other' }))).repeated, undefined)
      bench.clock.time += 1
      assert.equal(
        (await bench.journal.append(named('e'))).repeated,
        undefined,
        'the window begins with what was taken',
      )
      assert.deepEqual(names(await bench.takeMany(2)), ['a', 'e'])
      assert.deepEqual(names(await bench.takeMany(2, OTHER)), ['a', 'e'])
      await bench.nothing()
      const record = await bench.journal.find({ callId: 'call-b' })
      assert.deepEqual(
        record?.deliveries.map(({ status, attempts, note }) => ({ status, attempts, note })),
        [LANE, OTHER].map(() => ({ status: 'done', attempts: 0, note: 'repeated' })),
      )
      const pending = bench.journal.stats().lanes.map((lane) => lane.pending)
      assert.deepEqual(pending.sort(), [1, 1, 2, 2])
    },
  },
  J31: {
    text: 'MUST hand out the last of a name alone, when none came for its wait or the first has waited for the longest',
    async run(bench) {
      const debounce = { name: 'k', waitMs: 1_000, maxWaitMs: 2_500 }
      const waiting = (id: string, name = 'k') =>
        entry(id, { routes: [{ ...LANE, debounce: { ...debounce, name } }, OTHER] })
      await bench.append(waiting('a'), waiting('other', 'l'))
      bench.clock.time += 999
      await bench.append(waiting('b'))
      bench.clock.time += 1
      assert.equal((await bench.take()).event.id, 'other')
      await bench.nothing()
      bench.clock.time += 998
      await bench.append(waiting('c'), waiting('d'))
      bench.clock.time += 501
      await bench.nothing()
      bench.clock.time += 1
      const last = await bench.take()
      assert.deepEqual([last.event.id, last.attempt], ['d', 1], 'the first has waited for the longest')
      await bench.append(waiting('e'))
      await bench.journal.settle(last, { status: 'done' })
      bench.clock.time += 1_000
      assert.equal((await bench.take()).event.id, 'e', 'what was handed out gives way to none')
      await bench.nothing()
      for (const id of ['a', 'b', 'c']) {
        const [delivery, other] = (await bench.journal.find({ callId: `call-${id}` }))?.deliveries ?? []
        assert.deepEqual([delivery?.status, delivery?.note, delivery?.attempts], ['done', 'superseded', 0], id)
        assert.deepEqual([other?.status, other?.note], ['due', undefined], 'each lane is for itself')
      }
      assert.deepEqual(
        bench.journal
          .stats()
          .lanes.map((lane) => lane.pending)
          .sort(),
        [2, 6],
      )
      await bench.append(waiting('f'))
      bench.clock.time += 3_000
      await bench.append(waiting('g'))
      bench.clock.time += 1
      assert.equal((await bench.take()).event.id, 'g', 'what is due and was not handed out gives way, too')
      await bench.nothing()
    },
  },
} satisfies Record<string, JournalRequirement>
