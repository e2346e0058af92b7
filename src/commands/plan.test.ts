/** What plan prints. */

import { expect, test } from 'vitest'
import { planLines } from './plan.ts'
import { plain } from './terminal.ts'

test('no change is one line, and so is no event', () => {
  const none = { changed: 0, changes: [], otherwise: [], damaged: 0 }
  expect(planLines({ ...none, events: 0 }, plain)).toEqual(['the journal remembers no event of that time'])
  expect(planLines({ ...none, events: 3 }, plain)).toEqual(['the same: of 3 events, every one would go where it went'])
})

test('each change is a line with where from, where to, how many, and which', () => {
  const lines = planLines(
    {
      events: 1_000,
      changed: 14,
      damaged: 0,
      otherwise: [],
      changes: [
        { kind: 'unmatched', from: 'orders -> sync', events: 9, examples: ['e1', 'e2', 'e3'] },
        { kind: 'moved', from: 'a -> x', to: 'b -> x', events: 1, examples: ['e4'] },
        { kind: 'matched', to: 'all -> log', events: 4, examples: ['e5', 'e6', 'e\u001b[7'] },
      ],
    },
    plain,
  )
  expect(lines).toEqual([
    '14 of 1000 events would be routed otherwise',
    '  no route any more  orders -> sync      9 events  such as e1, e2, e3',
    '  moved              a -> x  =>  b -> x  1 event   e4',
    '  newly taken        all -> log          4 events  such as e5, e6, e\uFFFD[7',
  ])
})

test('a route that does something else with what it gets is named', () => {
  const otherwise = [{ route: 'orders', options: ['retry', 'transform'] }]
  expect(planLines({ events: 3, changed: 0, changes: [], damaged: 0, otherwise }, plain)).toEqual([
    'the same: of 3 events, every one would go where it went',
    '  also other  orders: retry, transform',
  ])
})
