/** Routes as sentences. */

import { expect, test } from 'vitest'
import type { Route } from '../router/route.ts'
import { sentence } from './sentence.ts'
import { plain } from './terminal.ts'

const base: Route = {
  name: 'r',
  from: [{ kind: 'source', source: 'orders' }],
  to: [{ kind: 'function', text: 'echo', name: 'echo' }],
  retry: { max: 5, backoff: 'exponential', delayMs: 1_000, capMs: 60_000, jitter: 'full', except: [] },
  concurrency: 8,
  timeoutMs: 30_000,
  delivery: 'auto',
}

test('a route reads as one sentence', () => {
  const route: Route = {
    ...base,
    from: [
      { kind: 'mqtt', filter: 'orders/+' },
      { kind: 'http', method: 'POST', path: '/orders' },
    ],
    when: 'type == "a"\n  && data.n > 1',
    orderBy: 'subject',
    deadLetter: { kind: 'sink', text: 'dead', name: 'dead' },
  }
  expect(sentence(route, plain)).toBe(
    'from mqtt:orders/+, http:POST /orders when type == "a" && data.n > 1 to echo, in order of subject, tried again 5 times, then to dead',
  )
})

test('what is tried once, and what is not journaled, is said', () => {
  expect(sentence({ ...base, retry: { ...base.retry, max: 0 } }, plain)).toBe('from orders to echo, tried once')
  expect(sentence({ ...base, delivery: 'direct', concurrency: 1 }, plain)).toBe(
    'from orders to echo, one at a time, not journaled',
  )
})

test('weights are told as shares', () => {
  const to = ['a', 'b@3'].map((text) => ({ kind: 'function', text, name: text }) as const)
  expect(sentence({ ...base, to, weights: [2, 1] }, plain)).toBe(
    'from orders to a (66.7 %) or b@3 (33.3 %), tried again 5 times',
  )
})

test('filters are counted', () => {
  const filters = [{ exact: { type: 'a' } }, { sql: 'EXISTS subject' }]
  expect(sentence({ ...base, filters }, plain)).toBe(
    'from orders where its 2 filters pass to echo, tried again 5 times',
  )
  expect(sentence({ ...base, filters: filters.slice(1), when: 'true' }, plain)).toMatch(
    /^from orders when true where its filter passes to echo/,
  )
})

test('a default and a fallback are told where they count', () => {
  const fallback = { kind: 'function', text: 'instead', name: 'instead' } as const
  const deadLetter = { kind: 'sink', text: 'dead', name: 'dead' } as const
  expect(sentence({ ...base, default: true, fallback, deadLetter }, plain)).toBe(
    'from orders when no other route takes it to echo, tried again 5 times, else to instead, then to dead',
  )
})

test('what is transformed is said', () => {
  expect(sentence({ ...base, transforms: { event: '{}' } }, plain)).toMatch(/^from orders transformed to echo/)
  expect(sentence({ ...base, transforms: { reply: '{}' } }, plain)).toMatch(/^from orders to echo/)
})
