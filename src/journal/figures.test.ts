/** Figures of attempts come back from their twelve bytes as they were, times to one part in a thousand. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FIGURES, readFigures, writeFigures } from './figures.ts'
import type { Figures } from './journal.ts'

const back = (figures: Figures): Figures | undefined => {
  const bytes = Buffer.alloc(3 * FIGURES, 0xff)
  bytes.fill(0, FIGURES, 2 * FIGURES)
  writeFigures(bytes, FIGURES, figures)
  expect([bytes[FIGURES - 1], bytes[2 * FIGURES]]).toEqual([0xff, 0xff])
  return readFigures(bytes, FIGURES)
}

test.each([
  { tookMs: 0 },
  { tookMs: 2.047, queueMs: 0, runMs: 0.001, worker: 1, generation: 1 },
  { tookMs: 2.048, cold: true },
  { tookMs: 64, worker: 0x1fff, generation: 0xffff_ffff, cold: true, unanswered: true },
])('exactly: %o', (figures) => {
  expect(back(figures)).toEqual(figures)
})

test('any time up to fifty days, to one part in a thousand', () => {
  const time = fc.double({ min: 0, max: 50 * 86_400_000, noNaN: true })
  fc.assert(
    fc.property(time, time, (tookMs, runMs) => {
      const found = back({ tookMs, runMs })
      for (const [given, kept] of [
        [tookMs, found?.tookMs],
        [runMs, found?.runMs],
      ] as const)
        expect(Math.abs((kept ?? Number.NaN) - given)).toBeLessThanOrEqual(given / 1_000 + 0.000_5)
    }),
  )
})

test('what is beyond is the most there is, and no bytes are no figures', () => {
  expect(back({ tookMs: 1e15, worker: 1e6 })).toMatchObject({ tookMs: expect.any(Number), worker: 0x1fff })
  expect(readFigures(Buffer.alloc(FIGURES), 0)).toBeUndefined()
  expect(readFigures(Buffer.alloc(0), 0)).toBeUndefined()
})
