/** The transforms of a route: read, shown in the long form, and refused where they are no JSONata, with the place. */

import { expect, test } from 'vitest'
import type { Transforms } from '../router/route.ts'
import { expand } from './expand.ts'
import { FUNCTIONS, mistakes, parse, problemsOf } from './harness.ts'

const text = (options: string): string => `${FUNCTIONS}routes:\n  r:\n    from: any\n    to: echo\n${options}`

test('a route without any has none', () => {
  expect(parse(text('')).routes[0]).not.toHaveProperty('transforms')
})

test.each<[string, Transforms]>([
  ['    transform: "{}"\n', { event: '{}' }],
  ['    reply_transform: data\n', { reply: 'data' }],
  ['    transform: "{}"\n    reply_transform: data\n', { event: '{}', reply: 'data' }],
])('they are read, and shown in the long form: %s', (options, transforms) => {
  const config = parse(text(options))
  expect(config.routes[0]?.transforms).toEqual(transforms)
  const long = expand(config)
  if (transforms.event) expect(long).toMatch(/^ {4}transform: "\{\}"$/m)
  if (transforms.reply) expect(long).toMatch(/^ {4}reply_transform: data$/m)
})

test('what is no JSONata is told with its place, in both at once', () => {
  expect(mistakes(text('    transform: data.amount +\n    reply_transform: "{a: }"\n'))).toEqual([
    '6:28 routes.r.transform: this is no JSONata: unexpected end of expression (S0207 at 13)',
    '7:27 routes.r.reply_transform: this is no JSONata: the symbol "}" cannot be used as a unary operator (S0211 at 5)',
  ])
})

test('the place is in the line of a block', () => {
  const [problem] = problemsOf(text('    transform: |\n      {\n        "data": data.amount ! 1\n      }\n'))
  expect(problem).toMatchObject({ line: 8, column: 29, path: 'routes.r.transform' })
})

test('an empty one is told', () => {
  expect(mistakes(text('    transform: " "\n'))[0]).toContain('the expression is empty')
  expect(mistakes(text('    transform:\n'))[0]).toContain('routes.r.transform: expected text')
})

test('a reply of nobody is told', () => {
  const route = (to: string) => `${FUNCTIONS}routes: { r: { from: any, to: ${to}, reply_transform: data } }`
  expect(mistakes(route('"mqtt:out"'))).toEqual([
    '2:60 routes.r.reply_transform: there is no reply to make: none of the targets is a function',
  ])
  expect(mistakes(route('["mqtt:out", echo]'))).toEqual([])
})
