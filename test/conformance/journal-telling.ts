/** What a journal must tell of the past of an event: its attempts, the configuration of its time, the chain that it is part of. */

import assert from 'node:assert/strict'
import type { Entry, Figures } from '../../src/journal/journal.ts'
import type { JournalRequirement } from './journal.ts'
import { ERROR, entry, type JournalBench } from './journal-bench.ts'

export const FIGURES: Figures = { tookMs: 12.8, queueMs: 3.25, runMs: 0.125, worker: 2, generation: 7 }

/** An event that came of another. */
const child = (id: string, cause: string | undefined, chain: string): Entry => {
  const extensions = { ...(cause === undefined ? {} : { causationid: cause }), correlationid: chain }
  return entry(id, { event: { ...entry(id).event, extensions } })
}

/** Fails once, succeeds then. */
export async function failOnce(bench: JournalBench, id: string): Promise<void> {
  await bench.append(entry(id, { generation: 7 }))
  const failed = { ...FIGURES, cold: true }
  const at = bench.clock.time + 500
  await bench.journal.settle(await bench.take(), { status: 'retry', at, error: ERROR, figures: failed })
  bench.clock.time += 500
  await bench.journal.settle(await bench.take(), { status: 'done', figures: FIGURES })
}

export const TELLING = {
  J45: {
    text: 'MUST tell of each settled attempt when it was, how it went and of what it failed, also after a redrive',
    async run(bench) {
      const { code, message } = ERROR
      const first = bench.clock.time
      await failOnce(bench, 'a')
      const tries = async (callId: string) => (await bench.journal.find({ callId }))?.deliveries[0]?.tries
      assert.deepEqual(await tries('call-a'), [
        { attempt: 1, at: first, ...FIGURES, cold: true, error: { code, message } },
        { attempt: 2, at: first + 500, ...FIGURES },
      ])
      await bench.append(entry('b'))
      const none = { tookMs: 0 }
      await bench.journal.settle(await bench.take(), { status: 'dead', error: ERROR, figures: none })
      await bench.journal.redrive({})
      bench.clock.time += 9
      const other = { ...ERROR, message: 'other' }
      const unanswered = { tookMs: 1, unanswered: true }
      await bench.journal.settle(await bench.take(), { status: 'dead', error: other, figures: unanswered })
      const ofB = (await tries('call-b'))?.map(({ attempt: _, ...rest }) => rest)
      assert.deepEqual(ofB, [
        { at: first + 500, tookMs: 0, error: { code, message } },
        { at: first + 509, tookMs: 1, unanswered: true, error: { code, message: 'other' } },
      ])
      await bench.append(entry('c'))
      await bench.journal.settle(await bench.take(), { status: 'done' })
      assert.equal(await tries('call-c'), undefined)
    },
  },
  J46: {
    text: 'MUST tell the number of the configuration that an event was matched by',
    async run(bench) {
      await bench.append(entry('a', { generation: 41 }), entry('b'))
      assert.equal((await bench.journal.find({ callId: 'call-a' }))?.generation, 41)
      assert.equal((await bench.journal.find({ eventId: 'b' }))?.generation, undefined)
    },
  },
  J47: {
    text: 'MUST find the events that came of others in a chain, in order, the last of too many',
    async run(bench) {
      await bench.append(entry('a'), child('x', undefined, 'a'))
      for (const [id, cause] of [
        ['b', 'a'],
        ['c', 'a'],
        ['d', 'c'],
      ] as const)
        await bench.append(child(id, cause, 'a'))
      await bench.append(child('e', 'a', 'other'))
      const ids = async (chain: string, limit = 9) =>
        (await bench.journal.chain(chain, limit)).map(({ event }) => event.id)
      assert.deepEqual(await ids('a'), ['b', 'c', 'd'])
      assert.deepEqual(await ids('a', 2), ['c', 'd'])
      assert.deepEqual(await ids('other'), ['e'])
      assert.deepEqual(await ids('b'), [])
      const [first] = await bench.journal.chain('a', 9)
      assert.deepEqual(first, await bench.journal.find({ eventId: 'b' }))
    },
  },
  J48: {
    text: 'MUST keep a text under one number, the same for the same text',
    async run({ journal }) {
      const [one, two] = [journal.keep('one'), journal.keep('zwei, größer')]
      assert.ok(one >= 1 && two >= 1 && one !== two)
      assert.deepEqual([journal.keep('one'), journal.keep('zwei, größer')], [one, two])
      await journal.append(entry('a', { generation: two }))
      assert.deepEqual([await journal.text(one), await journal.text(two)], ['one', 'zwei, größer'])
      assert.equal(await journal.text(one + two), undefined)
    },
  },
  J51: {
    text: 'MUST keep what was recorded of the last attempt of a delivery until it is redriven or dropped, and of no other',
    async run(bench) {
      const recorded = (id: number) => Uint8Array.of(id, 0, 255)
      await bench.append(entry('a'), entry('b'))
      const [a, b] = await bench.takeMany(2)
      assert.ok(a && b)
      const { journal } = bench
      await journal.settle(a, { status: 'retry', at: bench.clock.time, error: ERROR, recording: recorded(1) })
      assert.equal(await journal.recording(a.id), undefined)
      await journal.settle(b, { status: 'dead', error: ERROR, recording: recorded(2) })
      await journal.settle(await bench.take(), { status: 'dead', error: ERROR, recording: recorded(3) })
      assert.deepEqual([await journal.recording(a.id), await journal.recording(b.id)], [recorded(3), recorded(2)])
      assert.equal(await journal.recording('no such id'), undefined)
      await journal.redrive({ ids: [a.id] })
      assert.equal(await journal.recording(a.id), undefined)
      await journal.settle(await bench.take(), { status: 'done', recording: recorded(4) })
      assert.deepEqual(await journal.recording(a.id), recorded(4))
      await journal.drop({ ids: [b.id] })
      assert.equal(await journal.recording(b.id), undefined)
      await bench.append(entry('c'))
      const c = await bench.take()
      await journal.settle(c, { status: 'dead', error: ERROR })
      assert.equal(await journal.recording(c.id), undefined)
    },
  },
} satisfies Record<string, JournalRequirement>

/** As much of it as must be found again when the journal is opened anew. */
export const REMEMBERING = {
  J49: {
    text: 'MUST tell after a restart of the attempts, the chain and the number of the configuration as before',
    async run(bench) {
      await failOnce(bench, 'a')
      await bench.append(child('b', 'a', 'a'))
      const all = async () => {
        const { deliveries, generation } = (await bench.journal.find({ callId: 'call-a' })) ?? {}
        const chain = await bench.journal.chain('a', 9)
        return [generation, deliveries?.[0]?.tries, chain.map(({ event }) => event.id)]
      }
      const before = await all()
      await bench.reopen()
      assert.deepEqual(await all(), before)
    },
  },
  J50: {
    text: 'MUST know texts and their numbers after a restart',
    async run(bench) {
      const [one, two] = [bench.journal.keep('one'), bench.journal.keep('two')]
      await bench.append(entry('a', { generation: two }))
      await bench.reopen()
      assert.deepEqual([await bench.journal.text(one), await bench.journal.text(two)], ['one', 'two'])
      const three = bench.journal.keep('three')
      assert.equal(new Set([one, two, three]).size, 3)
    },
  },
  J52: {
    text: 'MUST keep across a restart what was recorded of a dead letter',
    async run(bench) {
      await bench.append(entry('a'))
      const { id, ...rest } = await bench.take()
      const recording = Uint8Array.of(9, 8, 0)
      await bench.journal.settle({ id, ...rest }, { status: 'dead', error: ERROR, recording })
      await bench.reopen()
      assert.deepEqual(await bench.journal.recording(id), recording)
    },
  },
} satisfies Record<string, JournalRequirement>
