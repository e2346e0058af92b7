/** What the journal on disk keeps for the controls of routes: names until their time, and the last of a name over a crash. */

import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { entry, LANE } from '../../test/conformance/journal-bench.ts'
import { openJournal, verifyJournal } from './index.ts'
import type { Delivery, Journal } from './journal.ts'
import { TABLE } from './keys.ts'
import { Store } from './store.ts'

const root = mkdtempSync(join(tmpdir(), 'headgate-controls-'))
let folders = 0

afterAll(() => rmSync(root, { recursive: true, force: true }))

const newPath = (): string => join(root, String(folders++))
const open = (path: string, { now, retainMs = 86_400_000 }: { now: () => number; retainMs?: number }) =>
  openJournal({ path, retainMs, maxBytes: 2 ** 30 }, { now })

async function take(journal: Journal, count: number): Promise<Delivery[]> {
  const claim = journal.claim(LANE, new AbortController().signal)
  const taken: Delivery[] = []
  while (taken.length < count) {
    const { value } = await claim.next()
    if (value) taken.push(value)
  }
  return taken
}

test('names that a route takes once are forgotten when their window is over, and are not the room of others', async () => {
  const path = newPath()
  const clock = { time: 1_800_000_000_000 }
  const journal = await open(path, { now: () => clock.time, retainMs: 1_000 })
  const named = (id: string, name: string) => entry(id, { routes: [{ ...LANE, once: { name, windowMs: 500 } }] })
  for (let i = 0; i < 20; i++) await journal.append(named(`n${i}`, `name ${i}`))
  for (const delivery of await take(journal, 20)) await journal.settle(delivery, { status: 'done' })
  clock.time += 5_000
  await expect.poll(() => journal.used.bytes, { timeout: 20_000 }).toBe(0)
  expect((await journal.append(named('again', 'name 3'))).repeated).toBeUndefined()
  await journal[Symbol.asyncDispose]()
  const store = new Store(path, true)
  expect([...store.keys(Buffer.from([TABLE.once]), Buffer.from([TABLE.once, 0xff, 0xff]))]).toHaveLength(1)
  expect([...store.keys(Buffer.from([TABLE.onceUntil]), Buffer.from([TABLE.onceUntil, 0xff, 0xff]))]).toHaveLength(1)
  await store.close()
  expect((await verifyJournal(path)).problems).toEqual([])
})

test('what gives way is not handed out, though it is in memory already; the journal stays sound', async () => {
  const path = newPath()
  const clock = { time: 1_800_000_000_000 }
  const journal = await open(path, { now: () => clock.time })
  const waiting = (id: string) => entry(id, { routes: [{ ...LANE, debounce: { name: 'k', waitMs: 100 } }] })
  const claim = journal.claim(LANE, new AbortController().signal)
  await journal.append(entry('first'))
  await journal.append(waiting('a'))
  clock.time += 100
  // Looking for what is ready takes in what has fallen due: "a" now waits behind the first for somebody to come.
  expect((await claim.next()).value?.event.id).toBe('first')
  await journal.append(entry('second'))
  await journal.append(waiting('b'))
  expect((await claim.next()).value?.event.id).toBe('second')
  clock.time += 100
  expect((await claim.next()).value?.event.id).toBe('b')
  expect(journal.stats().pending).toBe(3)
  await journal[Symbol.asyncDispose]()
  const report = await verifyJournal(path)
  expect(report.problems).toEqual([])
  expect(report.pending).toBe(3)
})

test('a crash between the last of a name and the end of the one before it leaves the last alone', async () => {
  const path = newPath()
  const clock = { time: 1_800_000_000_000 }
  const waiting = (id: string) =>
    entry(id, { routes: [{ ...LANE, debounce: { name: 'k', waitMs: 100, maxWaitMs: 150 } }] })
  const journal = await open(path, { now: () => clock.time })
  await journal.append(waiting('a'))
  clock.time += 60
  await journal.append(waiting('b'))
  // What "b" ends is written with the next transaction, which begins in a later turn.
  const crashed = newPath()
  cpSync(path, crashed, { recursive: true, filter: (file) => !file.endsWith('lock') })
  await journal[Symbol.asyncDispose]()
  expect((await verifyJournal(crashed)).pending).toBe(2)
  const again = await open(crashed, { now: () => clock.time })
  clock.time += 89
  await again.append(waiting('c'))
  clock.time += 1
  const [last] = await take(again, 1)
  expect(last?.event.id).toBe('c')
  expect(again.stats().pending).toBe(1)
  await again[Symbol.asyncDispose]()
  const report = await verifyJournal(crashed)
  expect([report.pending, report.problems]).toEqual([1, []])
})
