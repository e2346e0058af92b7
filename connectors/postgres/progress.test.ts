/** What may be acknowledged, whatever the order in which changes are accepted. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatLsn, parseLsn, sortableLsn } from './lsn.ts'
import { type Open, Progress } from './progress.ts'

test('never more than the oldest transaction with a change that is not accepted, and all of it in the end', () => {
  const counts = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(counts, fc.array(fc.nat(), { maxLength: 60 }), (sizes, picks) => {
      const progress = new Progress(1n)
      const pending: { readonly open: Open; readonly at: number }[] = []
      for (const [at, size] of sizes.entries()) {
        const open = progress.begin(formatLsn(BigInt(at + 1) * 100n), 0n)
        open.pending = size
        for (let change = 0; change < size; change += 1) pending.push({ open, at })
        progress.commit(open)
      }
      while (pending.length > 0) {
        const oldest = Math.min(...pending.map(({ at }) => at))
        expect(progress.safe).toBeLessThan(BigInt(oldest + 1) * 100n)
        const [next] = pending.splice((picks.pop() ?? 0) % pending.length, 1)
        if (next) progress.accepted(next.open)
      }
      expect(progress.safe).toBe(BigInt(sizes.length) * 100n)
      expect(progress.idle).toBe(true)
    }),
  )
})

test('a keepalive counts when nothing is open, and never as a step back', () => {
  const progress = new Progress(parseLsn('0/100'))
  expect(progress.safe).toBe(0xffn)
  progress.passed(0x200n)
  expect(progress.safe).toBe(0x1ffn)
  const open = progress.begin('0/300', 5_000n)
  progress.passed(0x400n)
  expect([progress.safe, progress.oldest, progress.idle]).toEqual([0x1ffn, 5, false])
  progress.commit(open)
  progress.passed(0x250n)
  expect([progress.safe, progress.oldest]).toEqual([0x300n, null])
})

test('thousands of transactions that end in turn are forgotten', () => {
  const progress = new Progress(0n)
  const first = progress.begin('0/1', 0n)
  for (let lsn = 2n; lsn < 5_000n; lsn += 1n) progress.commit(progress.begin(formatLsn(lsn), 0n))
  expect(progress.safe).toBe(0n)
  progress.commit(first)
  expect([progress.safe, progress.idle]).toEqual([4_999n, true])
})

test.each(['0/0', '0/16B3748', '2A/FFFFFFFF', 'FFFFFFFF/1'])('%s is read and written', (text) => {
  expect(formatLsn(parseLsn(text))).toBe(text)
  expect(parseLsn(text.replace(/[^/]+/g, (part) => part.padStart(8, '0')))).toBe(parseLsn(text))
  expect(BigInt(`0x${sortableLsn(parseLsn(text))}`)).toBe(parseLsn(text))
})
