/** What a journal must do with deliveries on their way: hand them out once, in order, when due, until settled. */

import assert from 'node:assert/strict'
import type { JournalRequirement } from './journal.ts'
import { ERROR, entry, LANE, names, OTHER } from './journal-bench.ts'

export const DELIVERING = {
  J1: {
    text: 'MUST hand out the event, its origin and its callId as they were appended, data byte for byte',
    async run(bench) {
      const data = Uint8Array.from({ length: 256 }, (_, i) => i)
      const event = { ...entry('full').event, data, subject: 'ü', extensions: { hops: 1, vip: true } }
      const empty = { ...entry('empty').event, data: new Uint8Array() }
      const { data: _, ...bare } = entry('bare').event
      await bench.append(entry('full', { event }), entry('empty', { event: empty }), entry('bare', { event: bare }))
      const [full, none, absent] = await bench.takeMany(3)
      assert.deepEqual({ ...full?.event, data: [...(full?.event.data ?? [])] }, { ...event, data: [...data] })
      assert.deepEqual([full?.callId, full?.origin], ['call-full', { source: 'suite', address: 'bench' }])
      assert.equal(none?.event.data?.length, 0, 'empty data is not absent data')
      assert.equal(absent?.event.data, undefined, 'absent data is not empty data')
    },
  },
  J2: {
    text: 'MUST hold an event of the same source and id once, and resolve the repeat to the first callId',
    async run(bench) {
      await bench.append(entry('a'))
      const again = await bench.journal.append(entry('a', { callId: 'another' }))
      assert.deepEqual(again, { callId: 'call-a', duplicate: true })
      const other = entry('a', { callId: 'third', event: { ...entry('a').event, source: '/other' } })
      assert.deepEqual(await bench.journal.append(other), { callId: 'third', duplicate: false })
      await bench.takeMany(2)
      await bench.nothing()
    },
  },
  J3: {
    text: 'MUST hold an event of the same callId once',
    async run(bench) {
      await bench.append(entry('a'))
      const again = await bench.journal.append(entry('b', { callId: 'call-a' }))
      assert.deepEqual(again, { callId: 'call-a', duplicate: true })
      await bench.take()
      await bench.nothing()
    },
  },
  J4: {
    text: 'MUST recognise a repeat among appends that are under way',
    async run(bench) {
      const receipts = await Promise.all([1, 2, 3].map((n) => bench.journal.append(entry('a', { callId: `c${n}` }))))
      assert.deepEqual(receipts, [
        { callId: 'c1', duplicate: false },
        { callId: 'c1', duplicate: true },
        { callId: 'c1', duplicate: true },
      ])
      await bench.take()
      await bench.nothing()
    },
  },
  J5: {
    text: 'MUST hand out a delivery to one taker, and to none while it is leased',
    async run(bench) {
      const claims = [bench.claim(), bench.claim()]
      await bench.append(...['a', 'b', 'c', 'd'].map((id) => entry(id)))
      const taken = await Promise.all([0, 1, 0, 1].map((n) => bench.take(LANE, claims[n])))
      assert.deepEqual([...names(taken)].sort(), ['a', 'b', 'c', 'd'])
      await bench.nothing()
    },
  },
  J6: {
    text: 'MUST hand out the deliveries of a lane in the order of append, each in its own lane',
    async run(bench) {
      const ids = Array.from({ length: 50 }, (_, i) => `e${i}`)
      for (const id of ids) await bench.append(entry(id, { routes: [LANE, OTHER] }))
      assert.deepEqual(names(await bench.takeMany(50)), ids)
      const others = await bench.takeMany(50, OTHER)
      assert.deepEqual(names(others), ids)
      for (const { route, to } of others) assert.deepEqual({ route, to }, OTHER)
    },
  },
  J7: {
    text: 'MUST NOT hand out a delivery before it is due, and MUST hand it out then',
    async run(bench) {
      await bench.append(entry('later', { routes: [{ ...LANE, due: bench.clock.time + 60_000 }] }))
      await bench.nothing()
      bench.clock.time += 60_000
      assert.equal((await bench.take()).event.id, 'later')
    },
  },
  J8: {
    text: 'MUST hand out a retried delivery at the time asked for, as the next attempt',
    async run(bench) {
      await bench.append(entry('a'))
      for (const attempt of [1, 2, 3]) {
        const delivery = await bench.take()
        assert.equal(delivery.attempt, attempt)
        await bench.journal.settle(delivery, { status: 'retry', at: bench.clock.time + 5_000, error: ERROR })
        await bench.nothing()
        bench.clock.time += 5_000
      }
      await bench.take()
    },
  },
  J9: {
    text: 'MUST hand out deliveries of one key one at a time in the order of append, retries included, and hold back no other key',
    async run(bench) {
      const keyed = (id: string, key: string) => entry(id, { routes: [{ ...LANE, key }] })
      await bench.append(keyed('a1', 'a'), keyed('a2', 'a'), keyed('b1', 'b'), keyed('a3', 'a'))
      const [first, other] = await bench.takeMany(2)
      assert.deepEqual([first?.event.id, first?.key, other?.event.id], ['a1', 'a', 'b1'])
      await bench.nothing()
      assert.ok(first)
      await bench.journal.settle(first, { status: 'retry', at: bench.clock.time + 1_000, error: ERROR })
      await bench.nothing()
      bench.clock.time += 1_000
      for (const id of ['a1', 'a2', 'a3']) {
        const delivery = await bench.take()
        assert.equal(delivery.event.id, id)
        await bench.journal.settle(delivery, id === 'a2' ? { status: 'dead', error: ERROR } : { status: 'done' })
      }
    },
  },
  J10: {
    text: 'MUST NOT lease more than was asked for',
    async run(bench) {
      const first = bench.claim()
      await bench.append(entry('a'), entry('b'))
      assert.equal((await bench.take(LANE, first)).event.id, 'a')
      assert.equal((await bench.take()).event.id, 'b')
    },
  },
  J11: {
    text: 'MUST end the iteration when its signal is aborted, and keep the leases',
    async run(bench) {
      const controller = new AbortController()
      const claim = bench.journal.claim(LANE, controller.signal)
      await bench.append(entry('a'))
      const delivery = await bench.take(LANE, claim)
      const waiting = claim.next()
      controller.abort()
      assert.equal((await waiting).done, true)
      assert.equal((await claim.next()).done, true)
      await bench.nothing()
      await bench.journal.settle(delivery, { status: 'done' })
    },
  },
  J12: {
    text: 'MUST hand out a released delivery again, at once and as the same attempt',
    async run(bench) {
      await bench.append(entry('a'))
      bench.journal.release(await bench.take())
      const again = await bench.take()
      assert.deepEqual([again.event.id, again.attempt], ['a', 1])
      await bench.nothing()
    },
  },
  J13: {
    text: 'MUST take the first settlement of a delivery, and resolve later ones without effect',
    async run(bench) {
      await bench.append(entry('a'))
      const delivery = await bench.take()
      await Promise.all([
        bench.journal.settle(delivery, { status: 'done' }),
        bench.journal.settle(delivery, { status: 'dead', error: ERROR }),
      ])
      await bench.journal.settle(delivery, { status: 'retry', at: bench.clock.time, error: ERROR })
      bench.journal.release(delivery)
      await bench.nothing()
      assert.deepEqual(await bench.dead(), [])
      assert.equal((await bench.journal.find({ callId: 'call-a' }))?.deliveries[0]?.status, 'done')
    },
  },
} satisfies Record<string, JournalRequirement>
