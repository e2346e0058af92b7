/** Stores on disk: all of the contract, the limits, and what a failed write leaves. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Store } from '../journal/store.ts'
import { storeConfig } from './config.ts'
import { type Disk, MemoryDisk } from './shelf.ts'
import { Stores } from './stores.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const texts = (values: readonly (Uint8Array | undefined)[]) =>
  values.map((value) => (value === undefined ? undefined : Buffer.from(value).toString()))

const opened = (options: object = {}, disk: Disk = new MemoryDisk()) =>
  new Stores({ s: storeConfig.parse(options) }, () => disk)

test('what is acknowledged is there when it is opened again, and its bytes are counted on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-stores-'))
  const open = () => opened({ max_size: '40B' }, new Store(folder))
  const first = open()
  const store = await first.store('s')
  await store.write([
    ['a', bytes('one')],
    ['b', bytes('two')],
  ])
  await store.write([['b', undefined]])
  await first.close()
  const second = open()
  const again = await second.store('s')
  expect(texts(await again.get(['a', 'b']))).toEqual(['one', undefined])
  await expect(again.write([['c', bytes('x'.repeat(40))]])).rejects.toThrow('s (store): writing: it is full; raise')
  expect(await again.has('c')).toBe(false)
  await second.close()
  rmSync(folder, { recursive: true })
})

test('numbers that many add to at once miss none, and a swap is refused when another came first', async () => {
  const store = await opened().store('s')
  const sums = await Promise.all(Array.from({ length: 50 }, () => store.increment('n', 2n)))
  expect(new Set(sums).size).toBe(50)
  expect(texts(await store.get(['n']))).toEqual(['100'])
  const [left, right] = await Promise.all([
    store.swap('n', bytes('100'), bytes('left')),
    store.swap('n', bytes('100'), bytes('right')),
  ])
  expect([left, right]).toEqual([true, false])
  expect(await store.swap('new', undefined, bytes('made'))).toBe(true)
  expect(await store.swap('new', undefined, bytes('again'))).toBe(false)
  await expect(store.increment('n', 1n)).rejects.toThrow('adding to "n": its value is not a decimal number')
  await store.write([['n', bytes(String(2n ** 63n - 1n))]])
  await expect(store.increment('n', 1n)).rejects.toThrow('the sum does not fit 64 bits')
})

test('keys come in pages, of one store alone', async () => {
  const stores = opened()
  const store = await stores.store('s')
  const other = await stores.store('s2')
  await other.write([['z', bytes('')]])
  const all = Array.from({ length: 2_345 }, (_, index) => `key ${index} ü`)
  await store.write(all.map((key) => [key, bytes('v')]))
  const found: string[] = []
  let cursor: string | undefined
  let pages = 0
  do {
    const page = await store.keys(cursor)
    found.push(...page.keys)
    cursor = page.cursor
    pages++
  } while (cursor !== undefined)
  expect(pages).toBe(3)
  expect(found.toSorted()).toEqual(all.toSorted())
  expect((await other.keys(undefined)).keys).toEqual(['z'])
})

test('limits of a key, of a value and of an answer are told', async () => {
  const store = await opened({ max_value: '5MiB' }).store('s')
  await expect(store.write([['', bytes('v')]])).rejects.toThrow('s (store): reading a key: it is empty')
  await expect(store.get(['k'.repeat(1_025)])).rejects.toThrow('more than 1024 bytes')
  await store.write([['k'.repeat(1_024), new Uint8Array(5 << 20)]])
  await expect(store.write([['k', new Uint8Array((5 << 20) + 1)]])).rejects.toThrow('writing "k": the value has')
  await expect(store.get(Array.from({ length: 4 }, () => 'k'.repeat(1_024)))).rejects.toThrow('more than 16 MiB')
})

test('what could not be written is told to everyone who relied on it, and forgotten', async () => {
  const disk = new MemoryDisk()
  const store = await opened({}, disk).store('s')
  await store.write([['n', bytes('1')]])
  const commit = disk.commit.bind(disk)
  disk.commit = () => Promise.reject(new Error('no space left on device'))
  const failed = await Promise.allSettled([store.increment('n', 1n), store.increment('n', 1n), store.get(['n'])])
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  disk.commit = commit
  expect(await store.increment('n', 1n)).toBe(2n)
})
