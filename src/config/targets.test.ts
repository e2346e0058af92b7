/** What a route says of its targets beyond their names: weights, a default, a fallback. */

import { describe, expect, test } from 'vitest'
import { expand } from './expand.ts'
import { mistakes, parse } from './harness.ts'

const FUNCTIONS = 'functions: { a: a.wasm, b: { wasm: b.wasm, version: 3 } }\n'
const text = (options: string): string => `${FUNCTIONS}routes:\n  r: { ${options} }`

describe('weights', () => {
  test('are kept beside their targets, functions, sinks and topics alike', () => {
    const config = parse(
      `sinks: { kept: { store: { url: x } } }\n${text('from: any, to: { a: 90, b@3: 10, kept: 0, mqtt:x/y: 5 }')}`,
    )
    expect(config.routes[0]).toMatchObject({
      to: [{ name: 'a' }, { name: 'b', version: '3' }, { kind: 'sink', name: 'kept' }, { kind: 'mqtt', topic: 'x/y' }],
      weights: [90, 10, 0, 5],
    })
    expect(expand(config)).toContain('to:\n      a: 90\n      b@3: 10\n      kept: 0\n      mqtt:x/y: 5\n')
  })

  test('a single topic with its mode is no weight', () => {
    expect(parse(text('from: any, to: { mqtt: x, mode: structured }')).routes[0]).not.toHaveProperty('weights')
  })

  test.each([
    ['no target of that name', 'to: { a: 1, bb: 1 }', '3:35 routes.r.to.bb: there is no function or sink "bb"'],
    ['no version of that name', 'to: { b@2: 1 }', 'routes.r.to.b@2: the function "b" has no version "2"'],
    ['none above 0', 'to: { a: 0 }', '3:23 routes.r.to: one weight at least must be above 0'],
    ['one below 0', 'to: { a: -1, b: 2 }', '3:28 routes.r.to.a: expected at least 0, got -1'],
    ['one that is no number', 'to: { a: half, b: 2 }', '3:28 routes.r.to.a: expected a number, got text'],
    ['one that is no whole number', 'to: { a: 0.5, b: 2 }', 'routes.r.to.a: expected a whole number'],
  ])('%s', (_, to, said) => expect(mistakes(text(`from: any, ${to}`)).join('\n')).toContain(said))
})

describe('a default route', () => {
  test('is one that says so', () => {
    const config = parse(text('from: "mqtt:a/#", default: true, to: a'))
    expect(config.routes[0]).toMatchObject({ default: true })
    expect(expand(config)).toContain('default: true\n')
    const plain = parse(text('from: "mqtt:a/#", default: false, to: a'))
    expect(plain.routes[0]).not.toHaveProperty('default')
    expect(expand(plain)).not.toContain('default:')
  })

  test.each(['any', '[http, any]'])('names where it takes from: %s is refused', (from) => {
    expect(mistakes(text(`from: ${from}, default: true, to: a`)).join('\n')).toContain(
      'routes.r.from: a default route names where it takes from; "any" would take each message on a topic, too | write sources, http:<METHOD> <path>, function:<name> or mqtt:<topic filter>',
    )
  })
})

describe('a fallback', () => {
  test('is a function, a sink or a topic', () => {
    const config = parse(
      `sinks: { kept: { store: { url: x } } }\n${text('from: any, to: a, fallback: b@3')}\n  s: { from: any, to: a, fallback: kept }\n  t: { from: any, to: a, fallback: { mqtt: x, mode: structured } }`,
    )
    expect(config.routes).toMatchObject([
      { fallback: { kind: 'function', name: 'b', version: '3', text: 'b@3' } },
      { fallback: { kind: 'sink', name: 'kept' } },
      { fallback: { kind: 'mqtt', topic: 'x', mode: 'structured' } },
    ])
    expect(expand(config)).toContain('fallback: b@3\n')
    expect(expand(config)).toContain('fallback: kept\n')
  })

  test.each([
    [
      'no target of that name',
      'fallback: aa',
      '3:36 routes.r.fallback: there is no function or sink "aa" | did you mean "a"?',
    ],
    ['what the route sends to already', 'fallback: a', '"a" is what the route sends to; a fallback is another one'],
  ])('%s', (_, fallback, said) => {
    expect(mistakes(text(`from: any, to: a, ${fallback}`)).join('\n')).toContain(said)
  })

  test('may be one of several targets: that of the others', () => {
    const { routes } = parse(text('from: any, to: { a: 90, b@3: 10 }, fallback: a'))
    expect(routes).toMatchObject([{ fallback: { text: 'a' } }])
  })

  test('may be named in the tests of its route', () => {
    const given = 'from: any, to: a, fallback: b@3, tests: [{ event: { type: x }, to: b@3, fail: { at: a } }]'
    expect(parse(text(given)).tests).toMatchObject([{ to: ['b@3'] }])
  })
})
