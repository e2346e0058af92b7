/** An event that an empty journal could not hold is refused for good; one for which there is no room now is not. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { LARGEST } from './arrival.ts'
import { openJournal, openMemoryJournal } from './index.ts'
import type { Entry, Journal } from './journal.ts'

const MAX = 64 * 1_024

async function open(kind: string, maxBytes = MAX): Promise<Journal> {
  const path = mkdtempSync(join(tmpdir(), 'headgate-large-'))
  const journal =
    kind === 'memory' ? openMemoryJournal({ maxBytes }) : await openJournal({ path, retainMs: 86_400_000, maxBytes })
  onTestFinished(async () => {
    await journal[Symbol.asyncDispose]()
    rmSync(path, { recursive: true, force: true })
  })
  return journal
}

const entry = (id: string, bytes: number, more: Partial<Entry['routes'][number]> = {}): Entry => ({
  event: { specversion: '1.0', id, source: '/s', type: 't', data: new Uint8Array(bytes) },
  origin: { source: 'http', address: '' },
  callId: `call-${id}`,
  routes: [{ route: 'orders', to: 'check', ...more }],
})

test.each(['memory', 'lmdb'])('for good what is larger than max_size, for now what is not (%s)', async (kind) => {
  const journal = await open(kind)
  const refused = await journal.append(entry('a', MAX + 1)).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'EVENT_TOO_LARGE', disposition: 'reject', type: 'ValidationError' })
  expect(refused).toMatchObject({
    message: expect.stringMatching(/it takes 6\d{4} bytes, and the journal holds 65536 at most/),
  })
  expect(refused).not.toHaveProperty('retryAfterMs', expect.any(Number))
  expect(journal.stats()).toMatchObject({ events: 0, pending: 0, bytes: 0 })
  // As large as it may be, if it was alone; and the same again beside it.
  await journal.append(entry('b', MAX - 1_024))
  await expect(journal.append(entry('c', MAX - 1_024))).rejects.toMatchObject({
    code: 'JOURNAL_FULL',
    retryAfterMs: expect.any(Number),
  })
  await expect(journal.append(entry('d', MAX + 1))).rejects.toMatchObject({ code: 'EVENT_TOO_LARGE' })
})

test.each(['memory', 'lmdb'])('what it would have taken beside its room is free again (%s)', async (kind) => {
  const journal = await open(kind)
  const once = { once: { name: 'n', windowMs: 60_000 } }
  await expect(journal.append(entry('a', MAX + 1, once))).rejects.toMatchObject({ code: 'EVENT_TOO_LARGE' })
  expect(await journal.append(entry('a', 1, once))).toEqual({ callId: 'call-a', duplicate: false })
})

test('what is reserved takes of what is set aside, where nothing else has room, until that is used up', async () => {
  const journal = await open('lmdb')
  await journal.append(entry('a', MAX - 400))
  await expect(journal.append(entry('b', 600))).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
  expect(await journal.append({ ...entry('b', 600), reserved: true })).toEqual({ callId: 'call-b', duplicate: false })
  await expect(journal.append({ ...entry('c', MAX / 16), reserved: true })).rejects.toMatchObject({
    code: 'JOURNAL_FULL',
  })
  await expect(journal.append(entry('d', 1))).rejects.toMatchObject({ code: 'JOURNAL_FULL' })
})

test('more than any value of the store: for good, however much the journal may hold', async () => {
  const journal = await open('lmdb', 2 ** 40)
  await expect(journal.append(entry('a', LARGEST))).rejects.toMatchObject({
    code: 'EVENT_TOO_LARGE',
    message: expect.stringContaining(`holds ${LARGEST} at most`),
  })
  expect(await journal.append(entry('b', 1))).toEqual({ callId: 'call-b', duplicate: false })
})
