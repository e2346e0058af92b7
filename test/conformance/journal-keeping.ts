/** What a journal must keep and tell: answers, records, dead letters, cursors, counts; and what it may refuse and forget. */

import assert from 'node:assert/strict'
import type { RetainedEvent, Span } from '../../src/journal/journal.ts'
import type { JournalRequirement } from './journal.ts'
import { ERROR, entry, LANE, OTHER } from './journal-bench.ts'

const KIB = new Uint8Array(1_024)

export const KEEPING = {
  J14: {
    text: 'MUST keep the answer of a call for those who repeat it',
    async run(bench) {
      await bench.append(entry('a', { routes: [{ ...LANE, answers: true }, OTHER] }))
      const delivery = await bench.take()
      assert.equal(delivery.answers, true)
      const answer = { data: Uint8Array.of(0, 255, 7), datacontenttype: 'application/x-test', status: 201 }
      await bench.journal.settle(delivery, { status: 'done', answer })
      const record = await bench.journal.find({ callId: 'call-a' })
      const kept = record?.deliveries.find(({ answers }) => answers)?.answer
      assert.deepEqual({ ...kept, data: [...(kept?.data ?? [])] }, { ...answer, data: [0, 255, 7] })
    },
  },
  J15: {
    text: 'MUST tell by callId and by event id what became of each delivery',
    async run(bench) {
      const accepted = bench.clock.time
      await bench.append(entry('a', { routes: [LANE, OTHER] }))
      const at = accepted + 9_000
      await bench.journal.settle(await bench.take(), { status: 'retry', at, error: ERROR })
      const record = await bench.journal.find({ callId: 'call-a' })
      assert.deepEqual([record?.event.id, record?.acceptedAt, record?.deliveries.length], ['a', accepted, 2])
      const tried = record?.deliveries.find(({ to }) => to === LANE.to)
      assert.deepEqual([tried?.status, tried?.attempts, tried?.due, tried?.error], ['due', 1, at, ERROR])
      const untried = record?.deliveries.find(({ to }) => to === OTHER.to)
      assert.deepEqual([untried?.status, untried?.attempts, untried?.error], ['due', 0, undefined])
      assert.deepEqual(await bench.journal.find({ eventId: 'a' }), record)
      assert.equal(await bench.journal.find({ callId: 'unknown' }), undefined)
      assert.equal(await bench.journal.find({ eventId: 'unknown' }), undefined)
    },
  },
  J16: {
    text: 'MUST list dead letters oldest first, with the event, the error, the attempts and the times',
    async run(bench) {
      const first = bench.clock.time
      await bench.append(entry('a'))
      await bench.journal.settle(await bench.take(), { status: 'retry', at: first + 500, error: ERROR })
      bench.clock.time += 500
      await bench.journal.settle(await bench.take(), { status: 'dead', error: { ...ERROR, message: 'again' } })
      bench.clock.time += 10
      await bench.die('b', 'c')
      assert.deepEqual(await bench.dead(), ['a', 'b', 'c'])
      const [letter] = await bench.letters()
      const { attempts, error, firstAt, lastAt, event, route, to } = letter ?? {}
      assert.deepEqual([attempts, error, firstAt, lastAt], [2, { ...ERROR, message: 'again' }, first, first + 500])
      assert.deepEqual([...(event?.data ?? [])], [...(entry('a').event.data ?? [])])
      assert.deepEqual({ route, to }, LANE)
    },
  },
  J17: {
    text: 'MUST list only the dead letters that meet every condition of the filter',
    async run(bench) {
      await bench.die('a')
      const since = bench.clock.time
      await bench.die('b')
      const other = { route: 'invoices', to: 'sink:x' }
      await bench.append(entry('c', { routes: [other] }))
      await bench.journal.settle(await bench.take(other), {
        status: 'dead',
        error: { ...ERROR, code: 'SINK_REJECTED' },
      })
      assert.deepEqual(await bench.dead({ route: 'orders' }), ['a', 'b'])
      assert.deepEqual(await bench.dead({ code: 'SINK_REJECTED' }), ['c'])
      assert.deepEqual(await bench.dead({ since }), ['b', 'c'])
      assert.deepEqual(await bench.dead({ since, route: 'orders' }), ['b'])
      const letters = await bench.letters()
      assert.deepEqual(await bench.dead({ ids: [letters[0]?.id ?? '', 'no such id'] }), ['a'])
      assert.deepEqual(await bench.dead({ ids: [letters[0]?.id ?? ''], since }), [])
    },
  },
  J18: {
    text: 'MUST make the dead letters of a filter due again, attempts counted anew, and no others',
    async run(bench) {
      await bench.die('a')
      const since = bench.clock.time
      await bench.die('b', 'c')
      assert.equal(await bench.journal.redrive({ since }), 2)
      const again = await bench.takeMany(2)
      assert.deepEqual(again.map(({ event }) => event.id).sort(), ['b', 'c'])
      for (const { attempt } of again) assert.equal(attempt, 1)
      assert.deepEqual(await bench.dead(), ['a'])
      await bench.nothing()
      assert.equal(await bench.journal.redrive({ since }), 0)
      for (const delivery of again) await bench.journal.settle(delivery, { status: 'dead', error: ERROR })
      assert.deepEqual((await bench.dead()).sort(), ['a', 'b', 'c'])
    },
  },
  J19: {
    text: 'MUST drop the dead letters of a filter for good, and no others',
    async run(bench) {
      await bench.die('a', 'b')
      const [letter] = await bench.letters()
      assert.equal(await bench.journal.drop({ ids: [letter?.id ?? ''] }), 1)
      assert.deepEqual(await bench.dead(), ['b'])
      assert.equal(await bench.journal.drop({ ids: [letter?.id ?? ''] }), 0)
      assert.equal(await bench.journal.redrive({ ids: [letter?.id ?? ''] }), 0)
      await bench.nothing()
    },
  },
  J20: {
    text: 'MUST keep cursors, each under its name',
    async run(bench) {
      assert.equal(await bench.journal.cursor('cron'), undefined)
      await Promise.all([bench.journal.setCursor('cron', '1'), bench.journal.setCursor('cdc', 'é')])
      await bench.journal.setCursor('cron', '2')
      assert.deepEqual([await bench.journal.cursor('cron'), await bench.journal.cursor('cdc')], ['2', 'é'])
    },
  },
  J21: {
    text: 'MUST count events, pending deliveries by lane, dead letters, and tell since when the oldest is pending',
    async run(bench) {
      const first = bench.clock.time
      await bench.append(entry('a', { routes: [LANE, OTHER] }), entry('quiet', { routes: [] }))
      bench.clock.time += 1_000
      await bench.append(entry('b'))
      const { events, pending, dead, oldestPending, lanes } = bench.journal.stats()
      assert.deepEqual([events, pending, dead, oldestPending], [3, 3, 0, first])
      assert.deepEqual(
        new Map(lanes.map(({ to, pending }) => [to, pending])),
        new Map([
          [LANE.to, 2],
          [OTHER.to, 1],
        ]),
      )
      for (const lane of [LANE, OTHER]) await bench.journal.settle(await bench.take(lane), { status: 'done' })
      assert.equal(bench.journal.stats().oldestPending, first + 1_000)
      await bench.journal.settle(await bench.take(), { status: 'dead', error: ERROR })
      const last = bench.journal.stats()
      assert.deepEqual([bench.journal.used.pending, bench.journal.used.bytes], [last.pending, last.bytes])
      assert.deepEqual([last.pending, last.dead, last.oldestPending, last.lanes], [0, 1, undefined, []])
    },
  },
  J22: {
    text: 'MUST refuse with JOURNAL_FULL and a time to wait when there is no room, and go on settling',
    options: { maxBytes: 64 * 1_024 },
    async run(bench) {
      const large = (n: number) => entry(`e${n}`, { event: { ...entry(`e${n}`).event, data: KIB } })
      let refusal: unknown
      let held = 0
      for (; refusal === undefined && held < 1_000; held++)
        await bench.append(large(held)).catch((error: unknown) => (refusal = error))
      assert.ok(
        refusal instanceof Error && 'code' in refusal && 'retryAfterMs' in refusal,
        'there is an end to the room',
      )
      assert.equal(refusal.code, 'JOURNAL_FULL')
      assert.ok(typeof refusal.retryAfterMs === 'number' && refusal.retryAfterMs > 0)
      held--
      assert.ok(held >= 32, `${held} KiB were accepted of 64`)
      assert.equal((await bench.journal.append(large(0))).duplicate, true, 'what is held is still recognised')
      for (const delivery of await bench.takeMany(held)) await bench.journal.settle(delivery, { status: 'done' })
      assert.equal(bench.journal.stats().pending, 0)
    },
  },
  J53: {
    text: 'MUST refuse for good with EVENT_TOO_LARGE what it would not hold if it held nothing else',
    options: { maxBytes: 64 * 1_024 },
    async run(bench) {
      const large = entry('large', { event: { ...entry('large').event, data: new Uint8Array(64 * 1_024 + 1) } })
      const refusal = await bench.journal.append(large).catch((error: unknown) => error)
      assert.ok(refusal instanceof Error && 'code' in refusal && 'disposition' in refusal)
      assert.deepEqual([refusal.code, refusal.disposition], ['EVENT_TOO_LARGE', 'reject'])
      assert.equal(bench.journal.stats().events, 0)
      assert.equal((await bench.journal.append(entry('large'))).duplicate, false, 'nothing of it was held')
    },
  },
  J54: {
    text: 'MUST count recordings among its bytes, keep no event out for them, and say of which dead letter none was kept',
    options: { maxBytes: 64 * 1_024 },
    async run(bench) {
      const { journal } = bench
      const ids = Array.from({ length: 20 }, (_, at) => `e${at}`)
      for (const id of ids) {
        await bench.append(entry(id))
        const recording = new Uint8Array(4 * 1_024)
        await journal.settle(await bench.take(), { status: 'dead', error: ERROR, recording })
      }
      const letters = await bench.letters()
      assert.deepEqual(letters.map(({ event }) => event.id).sort(), ids.sort())
      let kept = 0
      for (const { id, unrecorded = false } of letters) {
        const recording = await journal.recording(id)
        assert.equal(recording === undefined, unrecorded)
        kept += recording?.length ?? 0
      }
      assert.ok(kept > 0 && kept <= 32 * 1_024, `${kept} bytes of recordings were kept`)
      const { bytes } = journal.used
      assert.ok(bytes >= kept)
      await bench.append(entry('one more', { event: { ...entry('one more').event, data: new Uint8Array(16 * 1_024) } }))
      const before = journal.used.bytes
      await journal.drop({ since: 0 })
      assert.ok(journal.used.bytes <= before - kept, 'they are not counted any more')
    },
  },
  J23: {
    text: 'MUST forget settled events after the retention, and MUST NOT forget dead letters and what is pending',
    options: { retainMs: 10_000 },
    async run(bench) {
      await bench.die('dead')
      await bench.append(entry('pending', { routes: [OTHER] }), entry('settled'), entry('quiet', { routes: [] }))
      await bench.journal.settle(await bench.take(), { status: 'done' })
      let n = 0
      const forgotten = async (id: string) => {
        await bench.append(entry(`tick-${n++}`, { routes: [] }))
        return (await bench.journal.find({ callId: `call-${id}` })) === undefined
      }
      bench.clock.time += 5_000
      assert.equal(await forgotten('settled'), false)
      bench.clock.time += 6_000
      await bench.until(async () => (await forgotten('settled')) && (await forgotten('quiet')), 'settled events expire')
      assert.equal((await bench.journal.append(entry('settled'))).duplicate, false)
      assert.deepEqual(await bench.dead(), ['dead'])
      assert.equal((await bench.take(OTHER)).event.id, 'pending')
      assert.equal((await bench.journal.append(entry('dead'))).duplicate, true)
    },
  },
  J41: {
    text: 'MUST list the events it remembers in order, whatever became of them, of a span of time, and come to an end',
    async run(bench) {
      const { journal } = bench
      const listed = async (span?: Span) => {
        const events: RetainedEvent[] = []
        for await (const event of journal.events(span)) events.push(event)
        return events
      }
      assert.deepEqual(await listed(), [])
      const first = bench.clock.time
      await bench.append(entry('done'), entry('quiet', { routes: [] }))
      await journal.settle(await bench.take(), { status: 'done' })
      bench.clock.time = first + 1_000
      await bench.die('dead')
      bench.clock.time = first + 2_000
      const waits = entry('waits', { routes: [LANE, OTHER] })
      await bench.append(waits)
      const all = await listed()
      assert.deepEqual(ids(all), ['done', 'quiet', 'dead', 'waits'])
      const { acceptedAt, callId, event, origin } = all[3] ?? {}
      assert.deepEqual([acceptedAt, callId, origin], [first + 2_000, waits.callId, waits.origin])
      assert.deepEqual([...(event?.data ?? [])], [...(waits.event.data ?? [])])
      assert.deepEqual(ids(await listed({ from: first + 1_000 })), ['dead', 'waits'])
      assert.deepEqual(ids(await listed({ from: first + 1_000, to: first + 2_000 })), ['dead'])
      assert.deepEqual(ids(await listed({ to: first + 1_000 })), ['done', 'quiet'])
      const seen: string[] = []
      for await (const { event } of journal.events()) {
        seen.push(event.id)
        await bench.append(entry(`again-${event.id}`))
      }
      assert.deepEqual(seen, ids(all))
    },
  },
  J43: {
    text: 'MUST tell which fallback made a delivery in place of its target, and why it was needed',
    async run(bench) {
      const first = bench.clock.time
      await bench.append(entry('a', { routes: [{ ...LANE, answers: true }] }), entry('b'))
      await bench.journal.settle(await bench.take(), {
        status: 'retry',
        at: first,
        error: { ...ERROR, message: 'once' },
      })
      bench.clock.time += 500
      const answer = { data: Uint8Array.of(7) }
      for (const delivery of await bench.takeMany(2)) {
        const fallback = { fallback: 'second', error: ERROR }
        const settled = delivery.event.id === 'a' ? { answer, fallback } : {}
        await bench.journal.settle(delivery, { status: 'done', ...settled })
      }
      const record = async (callId: string) => (await bench.journal.find({ callId }))?.deliveries[0]
      const made = await record('call-a')
      const { error, fallback, firstErrorAt, status } = made ?? {}
      assert.deepEqual([status, fallback, error, firstErrorAt], ['done', 'second', ERROR, first])
      assert.deepEqual([...(made?.answer?.data ?? [])], [7])
      assert.deepEqual((await record('call-b'))?.fallback, undefined)
      assert.deepEqual(await bench.dead(), [])
    },
  },
} satisfies Record<string, JournalRequirement>

const ids = (events: readonly RetainedEvent[]): readonly string[] => events.map(({ event }) => event.id)
