/** What every key-value store does, wherever it keeps its pairs. */

import { describe, expect, test } from 'vitest'
import type { KeyValueStore } from '../pool/host.ts'

export const bytes = (text: string) => new TextEncoder().encode(text)
export const texts = (values: readonly (Uint8Array | undefined)[]) =>
  values.map((value) => (value === undefined ? undefined : Buffer.from(value).toString()))

/** All keys, page by page. */
export async function allKeys(store: KeyValueStore): Promise<readonly string[]> {
  const found: string[] = []
  let cursor: string | undefined
  do {
    const page = await store.keys(cursor)
    found.push(...page.keys)
    cursor = page.cursor
  } while (cursor !== undefined)
  return found.toSorted()
}

/** Describes the contract; `open` gives an empty store of that name, beside others. */
export function storeContract(title: string, open: (name: string) => Promise<KeyValueStore>): void {
  describe(title, () => {
    test('holds bytes as they are, under keys in any script, and nothing where nothing was set', async () => {
      const store = await open('bytes')
      const all = Uint8Array.from({ length: 256 }, (_, index) => index)
      await store.write([
        ['schlüssel/日本 *?[x]', all],
        ['empty', new Uint8Array()],
      ])
      const [there, empty, absent] = await store.get(['schlüssel/日本 *?[x]', 'empty', 'absent'])
      expect([...(there ?? [])]).toEqual([...all])
      expect(empty?.length).toBe(0)
      expect(absent).toBeUndefined()
      expect([await store.has('empty'), await store.has('absent')]).toEqual([true, false])
      expect(await store.get([])).toEqual([])
    })

    test('writes several at once, the last of a key counts, and removes what has no value', async () => {
      const store = await open('several')
      await store.write([
        ['a', bytes('1')],
        ['b', bytes('2')],
        ['a', bytes('3')],
      ])
      expect(texts(await store.get(['a', 'b']))).toEqual(['3', '2'])
      await store.write([
        ['a', undefined],
        ['absent', undefined],
        ['c', bytes('4')],
      ])
      expect(await allKeys(store)).toEqual(['b', 'c'])
      await store.write([])
    })

    test('gives keys in pages, of itself alone', async () => {
      const [store, other] = await Promise.all([open('pages'), open('pages2')])
      const all = Array.from({ length: 2_345 }, (_, index) => `key ${index} ü`)
      await other.write([['z', bytes('')]])
      await store.write(all.map((key) => [key, bytes('v')]))
      expect((await store.keys(undefined)).keys.length).toBeLessThan(2_345)
      expect(new Set(await allKeys(store))).toEqual(new Set(all))
      expect(await allKeys(other)).toEqual(['z'])
    })

    test('adds to numbers without missing any, as far as 64 bits go', async () => {
      const store = await open('numbers')
      const sums = await Promise.all(Array.from({ length: 50 }, () => store.increment('n', 2n)))
      expect(new Set(sums).size).toBe(50)
      expect(texts(await store.get(['n']))).toEqual(['100'])
      expect(await store.increment('n', -150n)).toBe(-50n)
      await store.write([['n', bytes(String(2n ** 63n - 2n))]])
      expect(await store.increment('n', 1n)).toBe(2n ** 63n - 1n)
      await expect(store.increment('n', 1n)).rejects.toThrow('numbers (store): adding')
      await store.write([['n', bytes('many')]])
      await expect(store.increment('n', 1n)).rejects.toThrow('numbers (store): adding')
    })

    test('swaps a value for one that is still what it was, and for no other', async () => {
      const store = await open('swaps')
      expect(await store.swap('k', undefined, bytes('one'))).toBe(true)
      expect(await store.swap('k', undefined, bytes('two'))).toBe(false)
      expect(await store.swap('k', bytes(''), bytes('two'))).toBe(false)
      const tried = ['left', 'right'].map((text) => store.swap('k', bytes('one'), bytes(text)))
      expect((await Promise.all(tried)).filter((done) => done)).toHaveLength(1)
      await store.write([['k', new Uint8Array()]])
      expect(await store.swap('k', undefined, bytes('two'))).toBe(false)
      expect(await store.swap('k', new Uint8Array(), bytes('two'))).toBe(true)
      expect(texts(await store.get(['k']))).toEqual(['two'])
    })

    test('refuses keys that are empty or too long, and values that are', async () => {
      const store = await open('limits')
      await expect(store.write([['', bytes('v')]])).rejects.toThrow('limits (store): reading a key: it is empty')
      await expect(store.get(['k'.repeat(1_025)])).rejects.toThrow('more than 1024 bytes')
      await store.write([['k'.repeat(1_024), new Uint8Array(1 << 20)]])
      await expect(store.write([['k', new Uint8Array((1 << 20) + 1)]])).rejects.toThrow('writing "k": the value has')
      await expect(store.swap('k', undefined, new Uint8Array((1 << 20) + 1))).rejects.toThrow('the value has')
      await expect(store.get(Array.from({ length: 17 }, () => 'k'.repeat(1_024)))).rejects.toThrow('more than 16 MiB')
    })
  })
}
