/** What the broker's disk refuses, and that it says so once. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Store } from './store.ts'

test('a full disk refuses before LMDB finds it full, and takes what comes once there is room again', async () => {
  const path = await mkdtemp(join(tmpdir(), 'headgate-store-'))
  let free = 2 ** 30
  const store = new Store(path, () => free)
  await store.put('retained', 'a', { payload: Buffer.alloc(10) })
  free = 2 ** 20
  await expect(store.put('retained', 'b', { payload: Buffer.alloc(10) })).rejects.toThrow(/no space left on the disk/)
  // Room for all but the payload.
  free = 2 ** 21
  const large = { payload: Buffer.alloc(2 ** 21) }
  await expect(store.put('retained', 'c', large)).rejects.toThrow(/no space left/)
  await store.put('retained', 'd', { payload: Buffer.alloc(10) })
  expect(['a', 'b', 'c', 'd'].map((name) => store.get('retained', name) !== undefined)).toEqual([
    true,
    false,
    false,
    true,
  ])
  await store.close()
  await rm(path, { recursive: true })
})

test('the last place of a client is its own', async () => {
  const path = await mkdtemp(join(tmpdir(), 'headgate-store-'))
  const store = new Store(path)
  for (const place of [7, 2 ** 50, 12]) await store.put('queued', 'b', {}, place)
  await store.put('queued', 'c', {}, 2 ** 51)
  expect(['a', 'b', 'c'].map((name) => store.last('queued', name))).toEqual([0, 2 ** 50, 2 ** 51])
  await store.close()
  await rm(path, { recursive: true })
})
