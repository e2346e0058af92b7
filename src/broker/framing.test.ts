/** The byte guard: boundaries found whatever the chunks are, and nothing large gets past its header. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Framing } from './framing.ts'

const packet = (length: number): Uint8Array => {
  const head = [0x30]
  let rest = length
  do {
    head.push(rest > 127 ? (rest & 0x7f) | 0x80 : rest)
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return Uint8Array.from([...head, ...new Uint8Array(length)])
}

test('finds the end of each packet in any chunks', () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 40_000 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 9_000 }), (sizes, step) => {
      const bytes = Buffer.concat(sizes.map(packet))
      const framing = new Framing(50_000)
      for (let at = 0; at < bytes.length; at += step) {
        if (framing.feed(bytes.subarray(at, at + step)) !== 'ok') return false
        const end = at + step >= bytes.length
        if (end && framing.inside) return false
      }
      return framing.feed(bytes.subarray(0, 1)) === 'ok' && framing.inside
    }),
    { numRuns: 50 },
  )
})

test('refuses by the header alone what is too large, and a length of five bytes', () => {
  expect(new Framing(1_000).feed(packet(997))).toBe('ok')
  expect(new Framing(1_000).feed(packet(998).subarray(0, 3))).toBe('too large')
  expect(new Framing(2 ** 30).feed(Uint8Array.from([0x30, 0x80, 0x80, 0x80, 0x80]))).toBe('malformed')
})
