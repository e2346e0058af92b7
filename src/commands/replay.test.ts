/** What replay reads and prints. */

import { expect, test } from 'vitest'
import { rateArgument, replayLines } from './replay.ts'
import { plain } from './terminal.ts'

test.each([
  ['100/s', 100],
  ['30/m', 0.5],
  ['3600/h', 1],
  ['50', 50],
])('%s is a rate', (text, rate) => {
  expect(rateArgument(text)).toBe(rate)
})

test.each(['', '0/s', '-1/s', 'x', '1/d'])('"%s" is none', (text) => {
  expect(() => rateArgument(text)).toThrow(/such as 100\/s/)
})

test('what ran again is told by route, and what did not', () => {
  const report = { events: 3, routes: { orders: 3, audit: 1 }, before: 2, unmatched: 1, children: 4 }
  expect(replayLines(report, { name: 'x', dryRun: false }, plain)).toEqual([
    '3 events run again as replay x',
    '  orders  3 events',
    '  audit   1 event',
    '  2 had run again under this name before',
    '  1 is taken by no route',
    '  4 came of other events, and come of them again',
  ])
  const none = { events: 0, routes: {}, before: 0, unmatched: 0, children: 0 }
  expect(replayLines(none, { name: 'x', dryRun: true }, plain)).toEqual(['0 events would run again'])
})
