/** Columns, counts, and text that is safe to show. */

import { expect, test } from 'vitest'
import { columns, counted, shown } from './terminal.ts'

test('cells stand under each other, colours aside, and no line ends in blanks', () => {
  const red = '\u001b[31mno\u001b[39m'
  expect(columns([[red, 'a', 'x'], ['yes', 'long', ''], ['only']])).toEqual([`${red}   a     x`, 'yes  long', 'only'])
})

test('counts agree with their noun', () => {
  expect([counted(0, 'route'), counted(1, 'route'), counted(2, 'delivery', 'deliveries')]).toEqual([
    '0 routes',
    '1 route',
    '2 deliveries',
  ])
})

test('text from outside cannot move the cursor', () => {
  expect(shown('a\u001b[2Jb\nc\u009b')).toBe('a\uFFFD[2Jb c\uFFFD')
})
