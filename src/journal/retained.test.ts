/** Reading a journal's events back from disk, while a gateway has it open and when some of it is damaged. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Journal, Span } from './journal.ts'
import { TABLE, tableEnd, tableStart } from './keys.ts'
import { openJournal } from './lmdb.ts'
import { readEvents } from './retained.ts'
import { Store } from './store.ts'

let path: string
let time = 1_000

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'headgate-retained-'))
  time = 1_000
})
afterEach(() => rmSync(path, { recursive: true, force: true }))

const open = (): Promise<Journal> => openJournal({ path, retainMs: 86_400_000, maxBytes: 2 ** 30 }, { now: () => time })

async function append(journal: Journal, count: number, first = 0): Promise<void> {
  const appended = Array.from({ length: count }, (_, at) => {
    const id = `e${first + at}`
    const event = { specversion: '1.0', id, source: '/s', type: 't', data: Buffer.from(id) } as const
    return journal.append({ event, origin: { source: 'http', address: '' }, callId: `c-${id}`, routes: [] })
  })
  await Promise.all(appended)
}

async function read(span: Span = {}): Promise<{ readonly ids: readonly string[]; readonly damaged: number }> {
  const ids: string[] = []
  let damaged = 0
  for await (const { event } of readEvents(path, span, () => damaged++)) ids.push(event.id)
  return { ids, damaged }
}

test('a journal that is open elsewhere is read as it was when the reading began', async () => {
  await using journal = await open()
  await append(journal, 700)
  const seen: string[] = []
  for await (const { event } of readEvents(path, {}, () => undefined)) {
    if (seen.push(event.id) === 1) await append(journal, 50, 700)
  }
  expect(seen).toEqual(Array.from({ length: 700 }, (_, at) => `e${at}`))
  expect((await read()).ids).toHaveLength(750)
})

test('others have their turn while many events are read', async () => {
  await using journal = await open()
  await append(journal, 20_000)
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  let events = 0
  for await (const _ of journal.events()) events++
  clearInterval(timer)
  expect(events).toBe(20_000)
  expect(turns).toBeGreaterThan(2)
})

test('a damaged event is left out and told, when it is of the span', async () => {
  const journal = await open()
  await append(journal, 3)
  time = 2_000
  await append(journal, 3, 3)
  await journal[Symbol.asyncDispose]()
  const store = new Store(path)
  const [block] = store.range(tableStart(TABLE.events), tableEnd(TABLE.events), 1)
  if (block === undefined) throw new Error('the events lie in a block')
  const flipped = Buffer.from(block.value)
  // The data of the first event is behind its names.
  const at = flipped.lastIndexOf('e0')
  flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at)
  await store.commit([[Buffer.from(block.key), flipped]])
  await store.close()
  expect(await read()).toEqual({ ids: ['e1', 'e2', 'e3', 'e4', 'e5'], damaged: 1 })
  expect(await read({ from: 2_000 })).toEqual({ ids: ['e3', 'e4', 'e5'], damaged: 0 })
})

test('a folder without a journal is told as such', async () => {
  await expect(read()).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' })
})
