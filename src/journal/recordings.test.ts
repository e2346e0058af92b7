/** Recordings count in the bytes of a journal, exactly, and are given up before anything else when there is no room. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openJournal, openMemoryJournal, verifyJournal } from './index.ts'
import type { DeadLetter, DeadLetterFilter, Delivery, Journal } from './journal.ts'
import { slotKey, TABLE, tableEnd, tableStart } from './keys.ts'
import { Store } from './store.ts'
import { readSums, writeSums } from './totals.ts'

const LANE = { route: 'orders', to: 'check' }
const ERROR = { code: 'FUNCTION_TRAPPED', message: 'it trapped', type: 'SystemError' } as const
const RETAIN_MS = 10_000
const KIB = 1_024

/** One journal of either kind, and what it should hold. */
class Desk {
  readonly path: string
  readonly #kind: string
  readonly #maxBytes: number
  time = 1_800_000_000_000
  journal: Journal
  #sent = 0

  private constructor(kind: string, path: string, maxBytes: number, journal: Journal) {
    this.#kind = kind
    this.path = path
    this.#maxBytes = maxBytes
    this.journal = journal
  }

  static async open(kind: string, maxBytes = 2 ** 30): Promise<Desk> {
    const path = mkdtempSync(join(tmpdir(), 'headgate-recordings-'))
    const desk: Desk = new Desk(
      kind,
      path,
      maxBytes,
      openMemoryJournal({ maxBytes, retainMs: RETAIN_MS, now: () => desk.time }),
    )
    if (kind === 'lmdb') await desk.reopen()
    onTestFinished(async () => {
      await desk.journal[Symbol.asyncDispose]()
      rmSync(path, { recursive: true, force: true })
    })
    return desk
  }

  /** Only of what is on disk. */
  async reopen(): Promise<void> {
    await this.journal[Symbol.asyncDispose]()
    const settings = { path: this.path, retainMs: RETAIN_MS, maxBytes: this.#maxBytes }
    this.journal = await openJournal(settings, { now: () => this.time })
  }

  async take(count: number): Promise<readonly Delivery[]> {
    const appended = Array.from({ length: count }, () => {
      const id = `e${this.#sent++}`
      const event = { specversion: '1.0', id, source: '/s', type: 't', data: Buffer.alloc(10) } as const
      return this.journal.append({ event, origin: { source: 'http', address: '' }, callId: id, routes: [LANE] })
    })
    await Promise.all(appended)
    return this.taken(count)
  }

  async taken(count: number): Promise<readonly Delivery[]> {
    const claim = this.journal.claim(LANE, AbortSignal.timeout(20_000))
    const found: Delivery[] = []
    while (found.length < count) {
      const { done, value } = await claim.next()
      if (done) throw new Error(`${found.length} of ${count} were due`)
      found.push(value)
    }
    await claim.return?.()
    return found
  }

  async die(delivery: Delivery | undefined, bytes?: number): Promise<string> {
    if (delivery === undefined) throw new Error('there is none')
    const recording = bytes === undefined ? undefined : Buffer.alloc(bytes, 7)
    await this.journal.settle(delivery, { status: 'dead', error: ERROR, recording })
    return delivery.id
  }

  async letters(filter?: DeadLetterFilter): Promise<readonly DeadLetter[]> {
    const all: DeadLetter[] = []
    for await (const letter of this.journal.deadLetters(filter)) all.push(letter)
    return all
  }

  /** Bytes, counted anew: all that is stored, or the data and recordings that the test knows of. */
  async counted(events: number, recordings: readonly number[]): Promise<number> {
    if (this.#kind === 'memory') return recordings.reduce((sum, bytes) => sum + bytes, events * 10)
    const store = new Store(this.path, true)
    try {
      let bytes = 0
      for (const table of [TABLE.events, TABLE.open, TABLE.closed, TABLE.recordings])
        for (const { value } of store.range(tableStart(table), tableEnd(table))) bytes += value.length
      expect(readSums(store)).toMatchObject({
        bytes,
        recordings: recordings.reduce((sum, each) => sum + each + 4, 0),
      })
      return bytes
    } finally {
      await store.close()
    }
  }

  async exact(events: number, recordings: readonly number[]): Promise<void> {
    expect(this.journal.used.bytes).toBe(await this.counted(events, recordings))
  }
}

test.each(['memory', 'lmdb'])('the total is exact after each thing that becomes of a recording (%s)', async (kind) => {
  const desk = await Desk.open(kind)
  const [a, b, c, d] = await desk.take(4)
  await desk.exact(4, [])
  const ids = [await desk.die(a, 1_000), await desk.die(b, 2_000), await desk.die(c)]
  if (d) await desk.journal.settle(d, { status: 'done', recording: Buffer.alloc(500) })
  await desk.exact(4, [1_000, 2_000, 500])
  await desk.journal.redrive({ ids: ids.slice(0, 1) })
  await desk.exact(4, [2_000, 500])
  const [again] = await desk.taken(1)
  if (again) await desk.journal.settle(again, { status: 'retry', at: 0, error: ERROR, recording: Buffer.alloc(9_000) })
  await desk.exact(4, [2_000, 500])
  const [last] = await desk.taken(1)
  await desk.die(last, 3_000)
  await desk.exact(4, [3_000, 2_000, 500])
  await desk.journal.drop({ ids: ids.slice(1, 2) })
  await desk.exact(4, [3_000, 500])
  if (kind === 'lmdb') await desk.reopen()
  await desk.exact(4, [3_000, 500])
  const [alone] = await desk.take(1)
  if (alone) await desk.journal.settle(alone, { status: 'done', recording: Buffer.alloc(700) })
  await desk.exact(5, [3_000, 700, 500])
  // What is dead stays, whatever its neighbours: the rest goes.
  desk.time += RETAIN_MS + 1
  const swept = async () => {
    // In memory what is over is let go as something else comes.
    if (kind === 'memory') await desk.take(1)
    await desk.exact(desk.journal.stats().events, [3_000])
  }
  await vi.waitFor(swept, { timeout: 20_000 })
  expect((await desk.letters()).map(({ id }) => id).sort()).toEqual([ids[0], ids[2]].sort())
  if (kind === 'lmdb') expect((await verifyJournal(desk.path)).problems).toEqual([])
})

test.each(['memory', 'lmdb'])(
  'beyond a quarter a recording is not kept: its letter is, and says so (%s)',
  async (kind) => {
    const desk = await Desk.open(kind, 64 * KIB)
    const deliveries = await desk.take(4)
    const ids: string[] = []
    for (const delivery of deliveries) ids.push(await desk.die(delivery, 5 * KIB))
    const told = async () => (await desk.letters()).map(({ id, unrecorded = false }) => [ids.indexOf(id), unrecorded])
    const kept = async () => Promise.all(ids.map(async (id) => (await desk.journal.recording(id))?.length))
    expect(await told()).toEqual([0, 1, 2, 3].map((n) => [n, n === 3]))
    expect(await kept()).toEqual([5 * KIB, 5 * KIB, 5 * KIB, undefined])
    await desk.exact(4, [5 * KIB, 5 * KIB, 5 * KIB])
    if (kind === 'lmdb') await desk.reopen()
    expect(await told()).toContainEqual([3, true])
    // There is room again once another has gone.
    await desk.journal.drop({ ids: ids.slice(0, 1) })
    await desk.journal.redrive({ ids: ids.slice(3) })
    const [again] = await desk.taken(1)
    await desk.die(again, 5 * KIB)
    expect(await told()).toEqual([1, 2, 3].map((n) => [n, false]))
    expect(await kept()).toEqual([undefined, 5 * KIB, 5 * KIB, 5 * KIB])
    await desk.exact(4, [5 * KIB, 5 * KIB, 5 * KIB])
  },
)

test.each(['memory', 'lmdb'])('in a journal that events fill there is no room for a recording (%s)', async (kind) => {
  const desk = await Desk.open(kind, 64 * KIB)
  const [first] = await desk.take(1)
  const event = { specversion: '1.0', id: 'large', source: '/s', type: 't', data: Buffer.alloc(62 * KIB) } as const
  await desk.journal.append({ event, origin: { source: 'http', address: '' }, callId: 'large', routes: [LANE] })
  await desk.die(first, 4 * KIB)
  expect(await desk.letters()).toMatchObject([{ unrecorded: true }])
  expect(desk.journal.used.bytes).toBeLessThan(64 * KIB)
})

test('a journal whose recordings were not counted counts them when it is opened; verify compares, and checks them', async () => {
  const desk = await Desk.open('lmdb')
  await desk.die((await desk.take(1))[0], 1_000)
  const { bytes } = desk.journal.used
  await desk.journal[Symbol.asyncDispose]()
  const change = async (work: (store: Store) => Promise<void>) => {
    const store = new Store(desk.path)
    await work(store)
    await store.close()
  }
  await change((store) => {
    const { recordings = 0, ...older } = readSums(store)
    expect(recordings).toBe(1_004)
    return store.commit([writeSums({ ...older, bytes: bytes - recordings })])
  })
  expect((await verifyJournal(desk.path)).problems).toEqual([])
  await desk.reopen()
  expect(desk.journal.used.bytes).toBe(bytes)
  await desk.take(1)
  await desk.exact(2, [1_000])
  await desk.journal[Symbol.asyncDispose]()
  await change((store) => store.commit([[slotKey(TABLE.recordings, 0, 0), Buffer.alloc(9)]]))
  const { problems } = await verifyJournal(desk.path)
  expect(problems.map(({ place, problem }) => `${place}: ${problem}`)).toEqual([
    expect.stringMatching(/^recordings, key \w+: its checksum does not fit$/),
    'totals: bytes of recordings: 1004 according to the totals, 9 found',
  ])
})
