/** The bounds that are written into core modules hold in the engine. */

import { expect, test } from 'vitest'
import { CapError, cap } from './cap.ts'

const MIB = 1 << 20
const none = () => ({ memories: 0, startBytes: 0, tables: 0 })

/** A module with the sections given, each `[id, ...body]`. */
const moduleOf = (...sections: number[][]): Uint8Array =>
  Uint8Array.from([
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...sections.flatMap(([id = 0, ...body]) => [id, body.length, ...body]),
  ])

const MEMORY = [5, 1, 0x00, 1]
const TABLE = [4, 1, 0x70, 0x00, 1]
const EXPORTS = [7, 2, 1, 0x6d, 2, 0, 1, 0x74, 1, 0]

test('a memory grows to the cap and no page further, whatever the module says', async () => {
  for (const memory of [MEMORY, [5, 1, 0x01, 1, 0xff, 0xff, 0x03]]) {
    const module = await WebAssembly.compile(cap(moduleOf(TABLE, memory, EXPORTS), MIB, none()))
    const { m } = new WebAssembly.Instance(module).exports as unknown as { m: { grow(pages: number): number } }
    expect(m.grow(15)).toBe(1)
    expect(() => m.grow(1)).toThrow(RangeError)
  }
})

test('a lower maximum of the module stays', async () => {
  const module = await WebAssembly.compile(cap(moduleOf(TABLE, [5, 1, 0x01, 1, 2], EXPORTS), MIB, none()))
  const { m } = new WebAssembly.Instance(module).exports as unknown as { m: { grow(pages: number): number } }
  m.grow(1)
  expect(() => m.grow(1)).toThrow(RangeError)
})

test('a table grows to its bound and no entry further', async () => {
  const module = await WebAssembly.compile(cap(moduleOf(TABLE, MEMORY, EXPORTS), MIB, none()))
  const { t } = new WebAssembly.Instance(module).exports as unknown as { t: { grow(entries: number): number } }
  t.grow(99_999)
  expect(() => t.grow(1)).toThrow(RangeError)
})

test('what cannot be bounded is refused', () => {
  expect(() => cap(moduleOf([5, 1, 0x00, 17]), MIB, none())).toThrow('more than its cap of 1024 KiB')
  expect(() => cap(moduleOf([5, 5, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]), MIB, none())).toThrow('more than 4 memories')
  expect(() => cap(moduleOf([5, 1, 0x00, 1]), MIB, { memories: 4, startBytes: 0, tables: 0 })).toThrow(
    'more than 4 memories',
  )
  expect(() => cap(moduleOf([4, 1, 0x40, 0, 0x70, 0, 1]), MIB, none())).toThrow('cannot be bounded')
  expect(() => cap(moduleOf([4, 1, 0x70, 0, 0xff, 0xff, 0x7f]), MIB, none())).toThrow('entries')
  expect(() => cap(moduleOf([5, 1, 0x08, 1, 0]), MIB, none())).toThrow(CapError)
  expect(() => cap(Uint8Array.from([...moduleOf(), 5, 9, 1]), MIB, none())).toThrow(CapError)
})

test('what lies on the heap of the engine is refused, and functions of every type are not', () => {
  const types = (...entries: number[][]) => moduleOf([1, entries.length, ...entries.flat()], MEMORY)
  const func = (params: number[], results: number[] = []) => [
    0x60,
    params.length,
    ...params.flatMap((each) => (each === 0x63 ? [0x63, 0x70] : [each])),
    results.length,
    ...results,
  ]
  expect(cap(types(func([0x7f, 0x7e, 0x63, 0x70], [0x6f, 0x7b]), func([0x69])), MIB, none())).toBeDefined()
  for (const other of [
    [0x5e, 0x7f, 1],
    [0x5f, 1, 0x7f, 1],
    [0x4e, 1, 0x5f, 0],
    [0x50, 0, 0x60, 0, 0],
  ])
    expect(() => cap(types(func([0x7f]), other), MIB, none())).toThrow('WasmGC')
  const thrown = (type: number) => moduleOf([1, 2, ...func([0x7f]), ...func([0x69])], MEMORY, [13, 1, 0, type])
  expect(cap(thrown(0), MIB, none())).toBeDefined()
  expect(() => cap(thrown(1), MIB, none())).toThrow('exceptions that hold others')
})
