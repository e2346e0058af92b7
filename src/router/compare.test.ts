/** What plan counts: each way in which another router may treat an event otherwise. */

import { expect, test } from 'vitest'
import { Comparison } from './compare.ts'
import { compileRouter } from './compile.ts'
import type { Route, Target } from './route.ts'

const retry = { max: 0, backoff: 'constant', delayMs: 0, capMs: 0, jitter: 'none', except: [] } as const
const target = (text: string): Target => ({ kind: 'sink', text, name: text })
const route = (name: string, to: readonly string[], when?: string, weights?: readonly number[]): Route => ({
  name,
  from: [{ kind: 'any' }],
  ...(when === undefined ? {} : { when }),
  ...(weights === undefined ? {} : { weights }),
  to: to.map(target),
  retry,
  concurrency: 1,
  timeoutMs: 1_000,
  delivery: 'auto',
})

function compare(running: readonly Route[], candidate: readonly Route[], types: readonly string[]): Comparison {
  const [before, after] = [running, candidate].map((routes) => {
    const { problems, router } = compileRouter(routes)
    expect(problems).toEqual([])
    return router
  })
  if (!before || !after) throw new Error('two routers were asked for')
  const comparison = new Comparison(before, after)
  for (const [at, type] of types.entries())
    comparison.add(
      { specversion: '1.0', id: `${type}-${at}`, source: '/s', type },
      { source: 'http', address: 'POST /' },
    )
  return comparison
}

const takes = (type: string): string => `type == "${type}"`

test('what is the same is no change, whatever the order and the other options of the routes', () => {
  const a = route('a', ['x', 'y'], takes('one'))
  const all = route('all', ['z'])
  const comparison = compare([a, all], [all, { ...a, concurrency: 9 }], ['one', 'two'])
  expect([comparison.events, comparison.changed, comparison.changes()]).toEqual([2, 0, []])
})

test('an event may be lost, found, go to fewer or more routes, or move', () => {
  const base = [route('base', ['log'], 'type != "lost" && type != "found"')]
  const running = [...base, route('l', ['x'], takes('lost')), route('f', ['x'], takes('fewer')), route('m', ['x'])]
  const candidate = [
    ...base,
    route('n', ['x'], takes('found')),
    route('o', ['x'], takes('more')),
    route('m', ['x', 'y']),
  ]
  const [without, moved] = [
    compare(running.slice(0, 3), candidate.slice(0, 3), ['lost', 'fewer', 'more', 'found', 'same']),
    compare(running, candidate, ['same']),
  ]
  expect([without.events, without.changed]).toEqual([5, 4])
  expect(without.changes()).toEqual([
    { kind: 'unmatched', from: 'l -> x', events: 1, examples: ['lost-0'] },
    { kind: 'fewer', from: 'f -> x', events: 1, examples: ['fewer-1'] },
    { kind: 'more', to: 'o -> x', events: 1, examples: ['more-2'] },
    { kind: 'matched', to: 'n -> x', events: 1, examples: ['found-3'] },
  ])
  expect(moved.changes()).toEqual([
    { kind: 'moved', from: 'm -> x', to: 'm -> x + y', events: 1, examples: ['same-0'] },
  ])
})

test('an event that leaves one route for another has moved', () => {
  const comparison = compare([route('old', ['x'])], [route('new', ['x'])], ['t'])
  expect(comparison.changes()).toMatchObject([{ kind: 'moved', from: 'old -> x', to: 'new -> x' }])
})

test('changed weights move the events that get another target, and no others', () => {
  const types = Array.from({ length: 200 }, () => 't')
  const comparison = compare(
    [route('w', ['a', 'b'], undefined, [100, 0])],
    [route('w', ['a', 'b'], undefined, [50, 50])],
    types,
  )
  const [change, ...others] = comparison.changes()
  expect(others).toEqual([])
  expect(change).toMatchObject({ kind: 'moved', from: 'w -> a', to: 'w -> b', events: comparison.changed })
  expect(comparison.changed).toBeGreaterThan(50)
  expect(comparison.changed).toBeLessThan(150)
})

test('three events of each change are named, and the most frequent change of a kind comes first', () => {
  const comparison = compare(
    [route('a', ['x'], takes('a')), route('b', ['x'], takes('b'))],
    [],
    ['a', 'b', 'b', 'b', 'b'],
  )
  expect(comparison.changes()).toEqual([
    { kind: 'unmatched', from: 'b -> x', events: 4, examples: ['b-1', 'b-2', 'b-3'] },
    { kind: 'unmatched', from: 'a -> x', events: 1, examples: ['a-0'] },
  ])
})

test('what a default route no longer takes has moved to the route that takes it now', () => {
  const from = [{ kind: 'http', method: 'POST', path: '/' }] as const
  const rest: Route = { ...route('rest', ['log']), from, default: true }
  const orders = route('orders', ['x'], takes('order'))
  const comparison = compare([rest], [rest, orders], ['order', 'other'])
  expect(comparison.changed).toBe(1)
  expect(comparison.changes()).toMatchObject([{ kind: 'moved', from: 'rest -> log', to: 'orders -> x', events: 1 }])
  const without = compare([rest, orders], [orders], ['order', 'other'])
  expect(without.changes()).toMatchObject([{ kind: 'unmatched', from: 'rest -> log', events: 1 }])
})
