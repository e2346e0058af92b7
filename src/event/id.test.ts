/** What is said of a name by those who read it: uuid takes it for one of version 7, of the time at which it was made. */

import { parse, validate, version } from 'uuid'
import { expect, test } from 'vitest'
import { uuidv7 } from './id.ts'

const timeOf = (id: string): number => Buffer.from(parse(id)).readUIntBE(0, 6)

test('names are UUIDs of version 7, each its own, of the time at which it was made', () => {
  const before = Date.now()
  const ids = Array.from({ length: 1_000 }, uuidv7)
  const after = Date.now()
  expect(ids.filter((id) => !validate(id) || version(id) !== 7)).toEqual([])
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.map(timeOf).filter((time) => time < before || time > after)).toEqual([])
})

test('every bit beside those of the version, the variant and the time is random', () => {
  const [ones, zeros] = [Buffer.alloc(16), Buffer.alloc(16)]
  for (let count = 0; count < 1_000; count++)
    for (const [index, byte] of parse(uuidv7()).entries()) {
      ones[index] = (ones[index] ?? 0) | byte
      zeros[index] = (zeros[index] ?? 0) | (~byte & 0xff)
    }
  const fixed = [0xf0, 0, 0xc0]
  for (const [index, byte] of ones.entries()) {
    if (index < 6) continue
    const random = 0xff & ~(fixed[index - 6] ?? 0)
    expect([byte & random, (zeros[index] ?? 0) & random]).toEqual([random, random])
  }
})
