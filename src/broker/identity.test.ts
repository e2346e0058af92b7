/** Which use of a packet identifier a publish belongs to. */

import { expect, test } from 'vitest'
import { Uses } from './identity.ts'

const checksum = () => 7

test('an unacknowledged use is the same, whatever DUP says; after the acknowledgement it is another', () => {
  const uses = new Uses(true)
  const first = uses.of(1, false, checksum)
  expect(uses.of(1, true, checksum)).toBe(first)
  expect(uses.of(1, false, checksum)).toBe(first)
  uses.acknowledge(1, first)
  expect(uses.of(1, false, checksum).name).not.toBe(first.name)
})

test('after the acknowledgement DUP is believed of a client that counts up, and of no other', () => {
  const counting = new Uses(true)
  const used = Array.from({ length: 70 }, (_, i) => counting.of(i + 1, false, checksum))
  for (const [i, use] of used.entries()) counting.acknowledge(i + 1, use)
  expect(counting.of(70, true, checksum)).toBe(used[69])

  const lowest = new Uses(true)
  for (let i = 0; i < 70; i++) lowest.acknowledge(1, lowest.of(1, false, checksum))
  const last = lowest.of(1, false, checksum)
  lowest.acknowledge(1, last)
  expect(lowest.of(1, true, checksum)).not.toBe(last)
})

test('a use left by an earlier process is found by its content, and no name comes twice', () => {
  const uses = new Uses(true, [[5, 'left', 7]])
  expect(uses.of(5, true, () => 8).name).not.toBe('left')
  const again = new Uses(true, [[5, 'left', 7]])
  expect(again.of(5, true, checksum).name).toBe('left')
  const names = new Set(Array.from({ length: 500 }, (_, i) => again.of(100 + i, false, checksum).name))
  expect(names.size).toBe(500)
})
