/** The lines that say where an event goes, and why not elsewhere. */

import { expect, test } from 'vitest'
import { verdictLines } from './verdicts.ts'

const origin = { source: 'mqtt', address: 'a/b' }
const plain = (_: string, text: string): string => text

test('a route with weights says which target, and by what', () => {
  const lines = verdictLines([{ route: 'r', takes: true, to: 'resize@3', by: 'subject "cat.jpg"' }], origin, plain)
  expect(lines).toEqual(['from mqtt:a/b: goes to r', '  yes  r  to resize@3, chosen by subject "cat.jpg"'])
})

test('a default route says who takes what it leaves', () => {
  const left = { route: 'rest', takes: false, clause: 'default', saw: 'orders' }
  const lines = verdictLines([{ route: 'orders', takes: true }, left], origin, plain)
  expect(lines.at(-1)).toBe('  no   rest    is a default: orders takes it')
})
