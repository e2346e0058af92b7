/** What the journal on disk does beyond the contract: refusals at the start, deep backlogs, sealed names, its own check. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { journalConfig, openJournal, verifyJournal } from './index.ts'
import type { Delivery, Entry, Journal } from './journal.ts'
import { numberKey, slotKey, TABLE } from './keys.ts'
import { Store } from './store.ts'
import { readSums, writeSums } from './totals.ts'

const root = mkdtempSync(join(tmpdir(), 'headgate-lmdb-'))
const LANE = { route: 'orders', to: 'sink' }
const ERROR = { code: 'SINK_REJECTED', message: 'no', type: 'BusinessLogicError' } as const
let folders = 0

afterAll(() => rmSync(root, { recursive: true, force: true }))

const newPath = (): string => join(root, String(folders++))
const open = (path: string, more: { retainMs?: number; now?: () => number } = {}): Promise<Journal> => {
  const { now, retainMs = 86_400_000 } = more
  return openJournal({ path, retainMs, maxBytes: 2 ** 30 }, now ? { now } : {})
}

const entry = (id: string | number, more: Partial<Entry> = {}): Entry => ({
  event: { specversion: '1.0', id: `e-${id}`, source: '/test', type: 'made', data: Buffer.from(`data of ${id}`) },
  origin: { source: 'test', address: '' },
  callId: `c-${id}`,
  routes: [LANE],
  ...more,
})

async function appendMany(journal: Journal, count: number, from = 0): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, i) => journal.append(entry(from + i))))
}

async function take(journal: Journal, count: number): Promise<Delivery[]> {
  const claim = journal.claim(LANE, new AbortController().signal)
  const taken: Delivery[] = []
  while (taken.length < count) {
    const { value } = await claim.next()
    if (value) taken.push(value)
  }
  return taken
}

test('the defaults of the configuration', () => {
  expect(journalConfig.parse({})).toMatchObject({ path: './var/journal', retain: 86_400_000, max_size: 8 * 2 ** 30 })
})

test('a journal that is open is refused with JOURNAL_LOCKED, and opens once it is closed', async () => {
  const path = newPath()
  const first = await open(path)
  await expect(open(path)).rejects.toMatchObject({ code: 'JOURNAL_LOCKED' })
  await first[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
  await expect(first.append(entry('late'))).rejects.toMatchObject({ code: 'STOPPING' })
  await (await open(path))[Symbol.asyncDispose]()
})

test('a journal of a newer format is refused with JOURNAL_NEWER', async () => {
  const path = newPath()
  await (await open(path))[Symbol.asyncDispose]()
  const store = new Store(path)
  await store.commit([writeSums({ ...readSums(store), format: 99 })])
  await store.close()
  await expect(open(path)).rejects.toMatchObject({ code: 'JOURNAL_NEWER' })
  await expect(verifyJournal(path)).rejects.toMatchObject({ code: 'JOURNAL_NEWER' })
})

test('an answer of nothing is an answer still, without a value of its own; none is none', async () => {
  const path = newPath()
  const answers = async (journal: Journal) => {
    const found = await Promise.all([0, 1, 2].map((id) => journal.find({ callId: `c-${id}` })))
    return found.map((record) => record?.deliveries[0]?.answer)
  }
  const wanted = [{}, undefined, { status: 204 }]
  const first = await open(path)
  await appendMany(first, 3)
  const settled = (await take(first, 3)).map((delivery, at) => {
    const answer = wanted[at]
    return first.settle(delivery, answer ? { status: 'done', answer } : { status: 'done' })
  })
  expect(await answers(first)).toEqual(wanted)
  await Promise.all(settled)
  expect(await answers(first)).toEqual(wanted)
  await first[Symbol.asyncDispose]()
  await using second = await open(path)
  expect(await answers(second)).toEqual(wanted)
  const store = new Store(path, true)
  expect([...store.keys(Buffer.from([TABLE.answers]), Buffer.from([TABLE.answers + 1]))]).toHaveLength(1)
  await store.close()
})

test('a backlog beyond what memory holds comes back from disk in order, while more is appended', async () => {
  await using journal = await open(newPath())
  await appendMany(journal, 3_000)
  const claim = journal.claim(LANE, new AbortController().signal)
  const ids: string[] = []
  for (let n = 0; n < 6_000; n++) {
    if (n === 1_500) await appendMany(journal, 3_000, 3_000)
    const { value } = await claim.next()
    if (value) ids.push(value.event.id)
  }
  expect(ids).toEqual(Array.from({ length: 6_000 }, (_, i) => `e-${i}`))
})

test('many who wait get each delivery once, from disk, from memory and after a retry', async () => {
  await using journal = await open(newPath())
  await appendMany(journal, 2_500)
  const controller = new AbortController()
  const claim = journal.claim(LANE, controller.signal)
  const attempts: string[] = []
  const work = async (): Promise<void> => {
    for (let next = await claim.next(); next.done !== true; next = await claim.next()) {
      const { event, attempt } = next.value
      attempts.push(`${event.id} ${attempt}`)
      const again = attempt === 1 && event.id.endsWith('7')
      const retry = { status: 'retry', at: Date.now() + 20, error: ERROR } as const
      await journal.settle(next.value, again ? retry : { status: 'done' })
      if (journal.stats().pending === 0) controller.abort()
    }
  }
  const workers = Promise.all(Array.from({ length: 64 }, work))
  await appendMany(journal, 500, 2_500)
  await workers
  expect(attempts).toHaveLength(3_300)
  expect(new Set(attempts).size).toBe(3_300)
})

test('names in sealed runs are recognised, before and after a restart, and go with their events', async () => {
  const path = newPath()
  const clock = { time: 1_800_000_000_000 }
  const options = { retainMs: 10_000, now: () => clock.time }
  let journal = await open(path, options)
  for (let from = 0; from < 20_000; from += 500) await appendMany(journal, 500, from)
  const duplicates = async () => {
    for (const n of [0, 1, 8_191, 8_192, 12_345, 19_999]) {
      expect(await journal.append(entry(n, { callId: 'x' })), `event ${n}`).toEqual({
        callId: `c-${n}`,
        duplicate: true,
      })
      expect((await journal.find({ eventId: `e-${n}` }))?.callId).toBe(`c-${n}`)
    }
  }
  await duplicates()
  await journal[Symbol.asyncDispose]()
  expect((await verifyJournal(path)).problems).toEqual([])
  journal = await open(path, options)
  await duplicates()
  const deliveries = await take(journal, 20_000)
  await Promise.all(deliveries.map((delivery) => journal.settle(delivery, { status: 'done' })))
  clock.time += 10_001
  const end = performance.now() + 15_000
  while (journal.stats().events > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(journal.stats()).toMatchObject({ events: 0, bytes: 0 })
  expect(await journal.append(entry(0))).toEqual({ callId: 'c-0', duplicate: false })
  await journal[Symbol.asyncDispose]()
  expect((await verifyJournal(path)).problems).toEqual([])
})

test('an event that is kept for its dead letter survives its neighbours', async () => {
  const path = newPath()
  const clock = { time: 1_800_000_000_000 }
  const journal = await open(path, { retainMs: 10_000, now: () => clock.time })
  await appendMany(journal, 100)
  for (const [n, delivery] of (await take(journal, 100)).entries())
    await journal.settle(delivery, n % 50 === 7 ? { status: 'dead', error: ERROR } : { status: 'done' })
  const { value: before } = await journal.deadLetters()[Symbol.asyncIterator]().next()
  clock.time += 10_001
  const end = performance.now() + 15_000
  while (journal.stats().events > 2 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(journal.stats()).toMatchObject({ events: 2, dead: 2 })
  expect((await journal.find({ callId: 'c-57' }))?.deliveries[0]?.status).toBe('dead')
  expect(await journal.redrive({ ids: [before.id] })).toBe(1)
  const [again] = await take(journal, 1)
  expect(Buffer.from(again?.event.data ?? []).toString()).toBe('data of 7')
  await journal[Symbol.asyncDispose]()
  expect((await verifyJournal(path)).problems).toEqual([])
})

test('listing dead letters costs what is read of them', async () => {
  await using journal = await open(newPath())
  await appendMany(journal, 2_000)
  await Promise.all(
    (await take(journal, 2_000)).map((delivery) => journal.settle(delivery, { status: 'dead', error: ERROR })),
  )
  let listed = 0
  for await (const letter of journal.deadLetters()) if (letter.error.code === 'SINK_REJECTED' && ++listed === 10) break
  expect(listed).toBe(10)
  expect(await journal.redrive({ code: 'SINK_REJECTED' })).toBe(2_000)
  expect(journal.stats()).toMatchObject({ dead: 0, pending: 2_000 })
  expect(await take(journal, 2_000)).toHaveLength(2_000)
})

test('verify says what is wrong and where, and writes nothing', async () => {
  const path = newPath()
  const journal = await open(path)
  await appendMany(journal, 10)
  await journal[Symbol.asyncDispose]()
  expect(await verifyJournal(path)).toMatchObject({ events: 10, pending: 10, dead: 0, problems: [] })
  const store = new Store(path)
  const events = store.get(numberKey(TABLE.events, 0)) ?? Buffer.alloc(0)
  events[60] = (events[60] ?? 0) ^ 1
  await store.commit([
    [numberKey(TABLE.events, 0), events],
    [slotKey(TABLE.failures, 0, 3), Buffer.from('torn')],
  ])
  await store.close()
  const { problems } = await verifyJournal(path)
  expect(problems.map(({ place }) => place)).toContain('event in block 0 at byte 0')
  expect(problems.map(({ problem }) => problem)).toContain('has no event')
  expect(problems.some(({ place }) => place.startsWith('failures, key '))).toBe(true)
  expect(await verifyJournal(path)).toMatchObject({ problems })
})

test('a damaged event is not handed out, and is counted; its neighbours are', async () => {
  const path = newPath()
  const first = await open(path)
  await appendMany(first, 3)
  await first[Symbol.asyncDispose]()
  const store = new Store(path)
  const events = store.get(numberKey(TABLE.events, 0)) ?? Buffer.alloc(0)
  events[events.length - 1] = (events.at(-1) ?? 0) ^ 4
  await store.commit([[numberKey(TABLE.events, 0), events]])
  await store.close()
  await using journal = await open(path)
  expect((await take(journal, 2)).map(({ event }) => event.id)).toEqual(['e-0', 'e-1'])
  expect(journal.stats().quarantined).toBeGreaterThan(0)
})

test('a lane that had no delivery before a later one had opens again', async () => {
  const path = newPath()
  const journal = await open(path)
  const signal = AbortSignal.abort()
  for (const to of ['first', 'second', 'third']) await journal.claim({ route: 'orders', to }, signal).next()
  await journal.append(entry(1, { routes: [{ route: 'orders', to: 'third' }] }))
  await journal[Symbol.asyncDispose]()
  const again = await open(path)
  expect(again.stats().lanes).toEqual([{ route: 'orders', to: 'third', pending: 1 }])
  await again[Symbol.asyncDispose]()
})

test('an outcome that is not on disk yet is told whole', async () => {
  const journal = await open(newPath())
  await appendMany(journal, 3)
  const [done, dead, later] = await take(journal, 3)
  if (!done || !dead || !later) throw new Error('three deliveries')
  const settling = [
    journal.settle(done, { status: 'done', answer: { data: Buffer.from('yes') } }),
    journal.settle(dead, { status: 'dead', error: ERROR }),
    journal.settle(later, { status: 'retry', at: 9e12, error: ERROR }),
  ]
  const told = async () => {
    const records = await Promise.all([done, dead, later].map(({ callId }) => journal.find({ callId })))
    return records.map((record) => record?.deliveries[0])
  }
  const expected = [
    { status: 'done', answer: { data: new Uint8Array(Buffer.from('yes')) } },
    { status: 'dead', error: ERROR },
    { status: 'due', error: ERROR, due: 9e12 },
  ]
  const early = await told()
  await Promise.all(settling)
  const late = await told()
  for (const [index, wanted] of expected.entries()) {
    expect(late[index]).toMatchObject(wanted)
    expect({ ...early[index], answer: undefined }).toMatchObject({ ...wanted, answer: undefined })
    expect(Buffer.from(early[index]?.answer?.data ?? [])).toEqual(Buffer.from(late[index]?.answer?.data ?? []))
  }
  await journal[Symbol.asyncDispose]()
})

test('what time it was is kept: a clock that was set back between two runs holds nothing up', async () => {
  const path = newPath()
  let now = 1_000_000
  await using first = await open(path, { now: () => now })
  await first.append(entry(1))
  now += 5_000
  await first.append(entry(2))
  await first[Symbol.asyncDispose]()
  const told: number[] = []
  const again = { path, retainMs: 86_400_000, maxBytes: 2 ** 30 }
  await using _second = await openJournal(again, { now: () => now - 3_600_000, notBefore: (time) => told.push(time) })
  expect(told).toEqual([now])
})
