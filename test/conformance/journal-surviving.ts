/** What a journal must find again when it is opened anew. */

import assert from 'node:assert/strict'
import type { JournalRequirement } from './journal.ts'
import { ERROR, entry, LANE, names, OTHER } from './journal-bench.ts'

export const SURVIVING = {
  J24: {
    text: 'MUST hand out after a restart what was not settled, leased or not, and nothing that was',
    async run(bench) {
      await bench.append(...['a', 'b', 'c', 'd'].map((id) => entry(id)))
      const [, b] = await bench.takeMany(3)
      assert.ok(b)
      await bench.journal.settle(b, { status: 'done' })
      await bench.reopen()
      assert.deepEqual(names(await bench.takeMany(3)), ['a', 'c', 'd'])
      await bench.nothing()
      assert.equal(bench.journal.stats().pending, 3)
    },
  },
  J25: {
    text: 'MUST keep attempts and due times across a restart',
    async run(bench) {
      await bench.append(entry('a'))
      await bench.journal.settle(await bench.take(), { status: 'retry', at: bench.clock.time + 30_000, error: ERROR })
      await bench.reopen()
      await bench.nothing()
      bench.clock.time += 30_000
      const again = await bench.take()
      assert.deepEqual([again.event.id, again.attempt], ['a', 2])
    },
  },
  J26: {
    text: 'MUST keep the order within a key across a restart, also while the first waits for its retry',
    async run(bench) {
      const keyed = (id: string) => entry(id, { routes: [{ ...LANE, key: 'k' }] })
      await bench.append(keyed('1'), keyed('2'), keyed('3'))
      await bench.journal.settle(await bench.take(), { status: 'retry', at: bench.clock.time + 5_000, error: ERROR })
      await bench.reopen()
      await bench.nothing()
      bench.clock.time += 5_000
      for (const id of ['1', '2', '3']) {
        const delivery = await bench.take()
        assert.equal(delivery.event.id, id)
        await bench.nothing()
        await bench.journal.settle(delivery, { status: 'done' })
      }
    },
  },
  J27: {
    text: 'MUST recognise repeats, and keep answers, across a restart',
    async run(bench) {
      await bench.append(entry('a', { routes: [{ ...LANE, answers: true }] }), entry('b', { routes: [OTHER] }))
      await bench.journal.settle(await bench.take(), { status: 'done', answer: { data: Uint8Array.of(1, 2) } })
      await bench.reopen()
      assert.deepEqual(await bench.journal.append(entry('a', { callId: 'x' })), { callId: 'call-a', duplicate: true })
      assert.equal((await bench.journal.append(entry('b', { callId: 'y' }))).duplicate, true)
      const record = await bench.journal.find({ callId: 'call-a' })
      assert.deepEqual([...(record?.deliveries[0]?.answer?.data ?? [])], [1, 2])
    },
  },
  J28: {
    text: 'MUST keep dead letters and cursors across a restart',
    async run(bench) {
      await bench.die('a', 'b')
      await bench.journal.setCursor('cron', '7')
      await bench.reopen()
      assert.deepEqual(await bench.dead(), ['a', 'b'])
      assert.equal(await bench.journal.cursor('cron'), '7')
      assert.equal(await bench.journal.redrive({}), 2)
      await bench.reopen()
      assert.deepEqual(names(await bench.takeMany(2)), ['a', 'b'])
    },
  },
  J40: {
    text: 'MUST keep the names that a route takes once across a restart, for as long as their window says',
    async run(bench) {
      const once = { name: 'order-7', windowMs: 10_000 }
      const named = (id: string) => entry(id, { routes: [{ ...LANE, once }] })
      await bench.append(named('a'))
      await bench.reopen()
      assert.deepEqual((await bench.journal.append(named('b'))).repeated, [LANE.route])
      bench.clock.time += 10_000
      assert.equal((await bench.journal.append(named('c'))).repeated, undefined)
      await bench.reopen()
      assert.deepEqual((await bench.journal.append(named('d'))).repeated, [LANE.route])
      assert.deepEqual(names(await bench.takeMany(2)), ['a', 'c'])
      await bench.nothing()
    },
  },
  J42: {
    text: 'MUST know after a restart what waits for the last of its name, and for how long already',
    async run(bench) {
      const debounce = { name: 'k', waitMs: 1_000, maxWaitMs: 1_500 }
      const waiting = (id: string) => entry(id, { routes: [{ ...LANE, debounce }] })
      await bench.append(waiting('a'))
      await bench.reopen()
      bench.clock.time += 900
      await bench.append(waiting('c'))
      bench.clock.time += 599
      await bench.nothing()
      bench.clock.time += 1
      const last = await bench.take()
      assert.equal(last.event.id, 'c')
      await bench.journal.settle(last, { status: 'done' })
      await bench.append(waiting('d'))
      await bench.reopen()
      bench.clock.time += 1_000
      assert.equal((await bench.take()).event.id, 'd')
      await bench.nothing()
      assert.equal(bench.journal.stats().pending, 1)
    },
  },
  J44: {
    text: 'MUST keep across a restart which fallback made a delivery, and why it was needed',
    async run(bench) {
      await bench.append(entry('a'))
      const fallback = { fallback: 'second', error: ERROR }
      await bench.journal.settle(await bench.take(), { status: 'done', fallback })
      const told = async () => {
        const { error, fallback } = (await bench.journal.find({ callId: 'call-a' }))?.deliveries[0] ?? {}
        return { error, fallback }
      }
      const before = await told()
      await bench.reopen()
      assert.deepEqual(await told(), before)
      await bench.nothing()
      assert.deepEqual(await bench.dead(), [])
    },
  },
} satisfies Record<string, JournalRequirement>
