/** Texts that events refer to: kept once, in few bytes, for as long as an event may refer to them. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openMemoryJournal } from './index.ts'
import { Kept, MOST_KEPT } from './kept.ts'
import { Store } from './store.ts'

const HOUR = 3_600_000

async function keeping() {
  const path = mkdtempSync(join(tmpdir(), 'headgate-kept-'))
  const store = new Store(path)
  onTestFinished(async () => {
    await store.close()
    rmSync(path, { recursive: true, force: true })
  })
  let kept = new Kept(store)
  return {
    text: (number: number) => kept.text(number),
    restart: () => {
      kept = new Kept(store)
    },
    sweep: (oldest: number) => store.commit(kept.sweep(oldest)),
    keep: async (text: string, now = 0) => {
      const { changes, number } = kept.keep(text, now)
      await store.commit(changes)
      return { number, writes: changes.length }
    },
  }
}

test('a text that is current costs nothing when it is kept again, at a start or at a reload', async () => {
  const { keep, restart } = await keeping()
  expect(await keep('a')).toEqual({ number: 1, writes: 1 })
  expect(await keep('a')).toEqual({ number: 1, writes: 0 })
  restart()
  expect(await keep('a')).toEqual({ number: 1, writes: 0 })
})

test('a text goes once the oldest event was accepted well after another took its place', async () => {
  const { keep, restart, sweep, text } = await keeping()
  await keep('a', 0)
  await keep('b', 5_000)
  await sweep(5_000 + HOUR)
  restart()
  await sweep(5_000 + HOUR)
  expect([text(1), text(2)]).toEqual(['a', 'b'])
  await sweep(5_001 + HOUR)
  expect([text(1), text(2)]).toEqual([undefined, 'b'])
  expect((await keep('c')).number).toBe(3)
})

test('a text that came back is current again', async () => {
  const { keep, restart, sweep, text } = await keeping()
  await keep('a', 0)
  await keep('b', 1_000)
  expect((await keep('a', 2_000)).number).toBe(1)
  restart()
  await sweep(100 * HOUR)
  expect([text(1), text(2)]).toEqual(['a', undefined])
})

test.each(['lmdb', 'memory'])('of very many texts the newest are kept (%s)', async (kind) => {
  const memory = openMemoryJournal()
  const onDisk = await keeping()
  const keep = async (text: string) => (kind === 'memory' ? memory.keep(text) : onDisk.keep(text))
  const text = async (number: number) => (kind === 'memory' ? memory.text(number) : onDisk.text(number))
  for (let at = 0; at <= MOST_KEPT; at++) await keep(`text ${at}`)
  expect([await text(1), await text(2), await text(MOST_KEPT + 1)]).toEqual([undefined, 'text 1', `text ${MOST_KEPT}`])
})
