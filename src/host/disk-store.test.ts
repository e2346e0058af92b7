/** Stores on disk: all of the contract, their bounds, and what a failed write leaves. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Store } from '../journal/store.ts'
import { storeConfig } from './config.ts'
import { bytes, storeContract, texts } from './harness.ts'
import { type Disk, MemoryDisk } from './shelf.ts'
import { Stores } from './stores.ts'

const opened = (options: object = {}, disk: Disk = new MemoryDisk()) =>
  new Stores({ s: storeConfig.parse(options) }, () => disk)

const memory = opened()
storeContract('a store in memory', (name) => memory.store(name))

const folder = mkdtempSync(join(tmpdir(), 'headgate-stores-'))
let disk: Stores | undefined
storeContract('a store on disk', (name) => {
  disk ??= new Stores({}, () => new Store(folder))
  return disk.store(name)
})

test('what is acknowledged is there when it is opened again, and its bytes are counted on', async () => {
  await disk?.close()
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
  await again.write([['a', undefined]])
  await again.write([['c', bytes('x'.repeat(30))]])
  await second.close()
  rmSync(folder, { recursive: true })
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
