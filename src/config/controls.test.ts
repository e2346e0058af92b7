/** The timing controls of a route: read, expanded in full, and refused where they cannot be kept. */

import { describe, expect, test } from 'vitest'
import { expand } from './expand.ts'
import { FUNCTIONS, mistakes, parse } from './harness.ts'

const text = (options: string): string => `${FUNCTIONS}routes:\n  r: { from: any, to: echo, ${options} }`

test('a route without any has none', () => {
  expect(parse(text('concurrency: 4')).routes[0]).not.toHaveProperty('controls')
})

test('a limit without a key is the number of places', () => {
  expect(parse(text('concurrency: { limit: 3 }')).routes[0]).toMatchObject({ concurrency: 3 })
  expect(parse(text('concurrency: { limit: 3 }')).routes[0]).not.toHaveProperty('controls')
  expect(parse(text('concurrency: { limit: 3, key: subject, total: 9 }')).routes[0]).toMatchObject({ concurrency: 9 })
})

describe('a control is read and shown in its long form', () => {
  test.each<[string, object, string]>([
    ['delay: 90s', { delayMs: 90_000 }, 'delay: 90s'],
    ['batch: {}', { batch: { max: 100, waitMs: 1_000 } }, 'batch:\n      max: 100\n      wait: 1s'],
    ['batch: { max: 5, wait: 2m }', { batch: { max: 5, waitMs: 120_000 } }, 'max: 5\n      wait: 2m'],
    ['breaker: {}', { breaker: { failures: 5, openMs: 30_000 } }, 'breaker:\n      failures: 5\n      open: 30s'],
    ['breaker: { failures: 2, open: 5s }', { breaker: { failures: 2, openMs: 5_000 } }, 'failures: 2\n      open: 5s'],
    ['debounce: { wait: 2s }', { debounce: { waitMs: 2_000 } }, 'debounce:\n      wait: 2s'],
    [
      'debounce: { key: subject, wait: 2s, max_wait: 1m }',
      { debounce: { key: 'subject', waitMs: 2_000, maxWaitMs: 60_000 } },
      'key: subject\n      wait: 2s\n      max_wait: 1m',
    ],
    [
      'dedupe: { key: data.order, window: 1h }',
      { dedupe: { key: 'data.order', windowMs: 3_600_000 } },
      'key: data.order\n      window: 1h',
    ],
    ['rate: { limit: 5, per: 1m }', { rate: { limit: 5, perMs: 60_000 } }, 'rate:\n      limit: 5\n      per: 1m'],
    [
      'rate: { limit: 5, per: 1s, key: subject }',
      { rate: { limit: 5, perMs: 1_000, key: 'subject' } },
      'per: 1s\n      key: subject',
    ],
    [
      'concurrency: { limit: 2, key: data.account }',
      { concurrency: { limit: 2, key: 'data.account' } },
      'key: data.account\n      total: 64',
    ],
  ])('%s', (options, controls, long) => {
    const config = parse(text(options))
    expect(config.routes[0]?.controls).toEqual(controls)
    expect(expand(config)).toContain(long)
  })
})

describe('a mistake in a control', () => {
  test.each<[string, string, string]>([
    ['a key that is none', 'concurrency: { limit: 1, key: "data." }', '.concurrency.key: this is no expression'],
    ['a limit above the total', 'concurrency: { limit: 65, key: subject }', 'more than "total", which is 64'],
    ['an order of one', 'order_by: subject, debounce: { wait: 1s }', '.order_by: there is no order to keep'],
    ['an end before the wait', 'debounce: { wait: 2s, max_wait: 1s }', '.debounce.max_wait: shorter than "wait"'],
    ['a key of debounce that is none', 'debounce: { key: "==", wait: 1s }', '.debounce.key: this is no expression'],
    ['a batch of keys', 'batch: {}, concurrency: { limit: 1, key: subject }', '.concurrency.key: a batch has events'],
    ['a batch of keys', 'batch: {}, rate: { limit: 1, per: 1s, key: subject }', '.rate.key: a batch has events'],
    ['a key of dedupe that is none', 'dedupe: { key: "(", window: 1s }', '.dedupe.key: this is no expression'],
    ['a window of nothing', 'dedupe: { key: subject, window: 0s }', '.dedupe.window: it must be longer than nothing'],
    ['no wait', 'debounce: { wait: 0ms }', '.debounce.wait: it must be longer than nothing'],
    ['a rate per nothing', 'rate: { limit: 1, per: 0s }', '.rate.per: it must be longer than nothing'],
    ['no rest', 'breaker: { open: 0s }', '.breaker.open: it must be longer than nothing'],
    ['no key', 'dedupe: { window: 1s }', '.dedupe.key: expected'],
    ['a rate that is no rate', 'rate: 3', '.rate: expected'],
    ['a rate without a time', 'rate: { limit: 3 }', '.rate.per: expected'],
    ['a limit of none', 'concurrency: { limit: 0 }', 'expected at least 1'],
    ['what skips the journal', 'delay: 1s, delivery: direct', '"delay" needs the journal, which "delivery: direct"'],
  ])('%s', (_, options, said) => {
    expect(mistakes(text(options)).join('\n')).toContain(said)
  })
})
