/** The timing controls of a route: read, expanded in full, and refused where they cannot be kept. */

import { describe, expect, test } from 'vitest'
import { expand } from './expand.ts'
import { FUNCTIONS, mistakes, parse } from './harness.ts'

const text = (options: string): string => `${FUNCTIONS}routes:\n  r: { from: any, to: echo, ${options} }`

test('a route without any has none', () => {
  expect(parse(text('concurrency: 4')).routes[0]).not.toHaveProperty('controls')
})

describe('a control is read and shown in its long form', () => {
  test.each<[string, object, string]>([['delay: 90s', { delayMs: 90_000 }, 'delay: 90s']])(
    '%s',
    (options, controls, long) => {
      const config = parse(text(options))
      expect(config.routes[0]?.controls).toEqual(controls)
      expect(expand(config)).toContain(long)
    },
  )
})

describe('a mistake in a control', () => {
  test.each<[string, string, string]>([
    ['what skips the journal', 'delay: 1s, delivery: direct', '"delay" needs the journal, which "delivery: direct"'],
  ])('%s', (_, options, said) => {
    expect(mistakes(text(options)).join('\n')).toContain(said)
  })
})
