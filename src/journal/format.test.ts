/** Journals of the former format open, and are of this one then. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Block } from './block.ts'
import { openJournal, verifyJournal } from './index.ts'
import { Store } from './store.ts'
import { FORMAT, readSums, writeSums } from './totals.ts'

const path = mkdtempSync(join(tmpdir(), 'headgate-format-'))
afterAll(() => rmSync(path, { recursive: true, force: true }))

const settings = { path, retainMs: 60_000, maxBytes: 2 ** 30 }
const entry = (id: string) => ({
  event: { specversion: '1.0', id, source: '/s', type: 't', data: Buffer.from(id) } as const,
  origin: { source: 'test', address: '' },
  callId: `call-${id}`,
  routes: [{ route: 'r', to: 'f' }],
})

test('what format 1 left is read, settled, and told of; the first write makes it format 2', async () => {
  const old = await openJournal(settings)
  await Promise.all([old.append(entry('a')), old.append(entry('b'))])
  await old[Symbol.asyncDispose]()
  const store = new Store(path)
  await store.commit([writeSums({ ...readSums(store), format: 1 })])
  await store.close()

  const journal = await openJournal(settings)
  expect((await journal.find({ callId: 'call-a' }))?.deliveries[0]).toMatchObject({ status: 'due', attempts: 0 })
  const deliveries = journal.claim({ route: 'r', to: 'f' }, AbortSignal.timeout(10_000))
  for (const figures of [{ tookMs: 3, worker: 1 }, undefined]) {
    const { value } = await deliveries.next()
    if (value) await journal.settle(value, { status: 'done', ...(figures && { figures }) })
  }
  const tries = async (callId: string) => (await journal.find({ callId }))?.deliveries[0]?.tries
  expect(await tries('call-a')).toMatchObject([{ attempt: 1, tookMs: 3, worker: 1 }])
  expect(await tries('call-b')).toBeUndefined()
  await journal[Symbol.asyncDispose]()
  expect(await verifyJournal(path)).toMatchObject({ format: FORMAT, events: 2, problems: [] })
})

test('the states of a block without figures are what format 1 wrote', () => {
  const block = Block.make(0, 3)
  const plain = block.encode()
  expect(plain.length).toBe(4 + 3 * 20)
  const grown = block.keep(1, { tookMs: 1 })
  expect(block.encode().length).toBe(plain.length + grown)
  expect(Block.read(0, block.encode(), 'open')?.figures(1)).toEqual({ tookMs: 1 })
  expect(Block.read(0, block.encode(), 'open')?.figures(0)).toBeUndefined()
  expect(Block.read(0, plain, 'open')?.figures(1)).toBeUndefined()
})
