/** A function that reaches its host: key-value stores, while others run in the same worker. */

import { expect, test } from 'vitest'
import { allowOptions, grantsOf } from '../../src/pool/allow-options.ts'
import type { Host } from '../../src/pool/host.ts'
import { guest, open, spec, textOf } from './open.ts'

const values = new Map<string, Uint8Array>()
const host: Host = {
  store: async () => ({
    get: async (keys) => keys.map((key) => values.get(key)),
    has: async (key) => values.has(key),
    write: async (changes) => {
      for (const [key, value] of changes) if (value) values.set(key, value)
    },
    keys: async () => ({ keys: [...values.keys()] }),
    increment: async () => 1n,
    swap: async () => true,
  }),
  send: () => Promise.reject(new Error('not here')),
  publish: () => Promise.reject(new Error('not here')),
  request: () => Promise.reject(new Error('not here')),
  call: () => Promise.reject(new Error('not here')),
}

const grants = grantsOf(allowOptions.parse({ kv: ['things'] }), (path) => path)

test('thin', async () => {
  await using opened = await open([spec('f', { wasm: guest('reach'), grants })], { host })
  const event = { specversion: '1.0', id: 'a', source: '/s', type: 'kv.set', subject: 'things a', data: Buffer.from('one') } as const
  expect(textOf(await opened.call('f', '', '', { event }))).toBe('set')
  expect(textOf(await opened.call('f', 'kv.get', 'things a'))).toBe('one')
  expect(textOf(await opened.call('f', 'kv.swap', 'things a'))).toBe('was one')
  expect(textOf(await opened.call('f', 'sleep', '20'))).toBe('slept')
  const many = await Promise.all(Array.from({ length: 40 }, () => opened.call('f', 'kv.get', 'things a')))
  expect(new Set(many.map(textOf))).toEqual(new Set(['one']))
  console.log(opened.lines, opened.pool.stats())
})
