/** Versions of a function beside each other: what a name stands for, in routes, services and calls, and from a folder. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callRoutes } from './calls.ts'
import { expand } from './expand.ts'
import { mistakes, parse } from './harness.ts'

const VERSIONS =
  'functions: { r@9: r9.wasm, r@10: { wasm: r10.wasm, pool: { max: 3 } }, r: { wasm: r2.wasm, version: 2 } }\n'
const route = (to: string): string => `${VERSIONS}routes: { a: { from: any, to: ${to} } }`

describe('a target', () => {
  test.each([
    ['r', [{ text: 'r@10', name: 'r', version: '10' }]],
    ['r@9', [{ text: 'r@9', name: 'r', version: '9' }]],
    ['{ r@2: 90, r: 10 }', [{ text: 'r@2' }, { text: 'r@10' }]],
  ])('%s', (to, targets) => expect(parse(route(to)).routes[0]?.to).toMatchObject(targets))

  test('of one version alone is known by it', () => {
    const text = 'functions: { b: { wasm: b.wasm, version: 3 } }\nroutes: { a: { from: any, to: b } }'
    expect(parse(text).routes[0]?.to).toMatchObject([{ text: 'b@3', name: 'b', version: '3' }])
  })

  test.each([
    ['r@3', '2:31 routes.a.to: the function "r" has no version "3" | there are "r@2", "r@9", "r@10"'],
    ['[r, r@10]', '2:35 routes.a.to.1: "r@10" stands twice; each target gets an event once'],
    ['{ r: 1, r@10: 2 }', '2:45 routes.a.to.r@10: "r@10" stands twice; each target gets an event once'],
    ['rr@2', '2:31 routes.a.to: there is no function or sink "rr" | did you mean "r"?'],
  ])('%s is a mistake', (to, said) => expect(mistakes(route(to))).toEqual([said]))

  test('that has no version', () => {
    expect(mistakes('functions: { b: b.wasm }\nroutes: { a: { from: any, to: b@1 } }')).toEqual([
      '2:31 routes.a.to: the function "b" has no version "1" | write "b", or give the function a version',
    ])
  })
})

test('versions are loaded beside each other, and the long form loads again', () => {
  const specs = [
    { name: 'r', version: '9', max: 8 },
    { name: 'r', version: '10', max: 3 },
    { name: 'r', version: '2', max: 8 },
  ]
  const config = parse(route('r'))
  expect(config.functions).toMatchObject(specs)
  expect(parse(expand(config)).functions).toMatchObject(specs)
})

test.each([
  ['{ b@1: b.wasm, b: { wasm: c.wasm, version: 1 } }', '1:27 functions.b: "b@1" is there twice'],
  ['{ b@1: { wasm: b.wasm, version: 2 } }', 'functions.b@1.version: "b@1" says version "1", and this says "2"'],
  ['{ b: b.wasm, b@1: c.wasm }', '1:14 functions.b: "b" means the newest of "b@1" | give this one a version, too'],
  ['{ b@: b.wasm }', '"b@" is no name of a function'],
])('%s is a mistake', (functions, said) => expect(mistakes(`functions: ${functions}`).join('\n')).toContain(said))

test('what a function emits comes of it, whatever its version', () => {
  const text = (from: string): string => `${VERSIONS}routes: { a: { from: "function:${from}", to: mqtt:x } }`
  expect(parse(text('r')).routes[0]?.from).toEqual([{ kind: 'source', source: 'function', address: 'r' }])
  expect(mistakes(text('r@9')).join()).toContain('"function:r" is what every version of it emits')
})

describe('calls by name', () => {
  const called = (text: string) =>
    Object.fromEntries(callRoutes(parse(text)).map(({ name, to }) => [name, to.map((each) => each.text).join()]))

  test('reach each version, and the newest without one', () => {
    expect(called(VERSIONS)).toEqual({ 'call/r': 'r@10', 'call/r@9': 'r@9', 'call/r@10': 'r@10', 'call/r@2': 'r@2' })
  })

  test('the newest that may not be called is not called by the name alone', () => {
    expect(called('functions: { r@1: a.wasm, r@2: { wasm: b.wasm, call: false } }')).toEqual({ 'call/r@1': 'r@1' })
  })

  test('a service holds to a version, or takes the newest', () => {
    const services = 'services: { desk: { old: r@2, now: r } }'
    expect(called(VERSIONS + services)).toMatchObject({ 'call/desk/old': 'r@2', 'call/desk/now': 'r@10' })
    expect(mistakes(`${VERSIONS}services: { desk: { old: r@7 } }`)).toEqual([
      '2:26 services.desk.old: the function "r" has no version "7" | there are "r@2", "r@9", "r@10"',
    ])
  })
})

describe('a folder', () => {
  const functions = mkdtempSync(join(tmpdir(), 'headgate-versions-'))
  afterAll(() => rmSync(functions, { recursive: true, force: true }))
  beforeAll(() => {
    mkdirSync(join(functions, 'in'))
    for (const file of ['r@2.wasm', 'r@9.wasm', 'r@10.wasm', 'r.wasm', 'in/in@1.wasm', 'in/in@2.wasm', 'in/other.wasm'])
      writeFileSync(join(functions, file), '')
  })
  const loaded = (to: string, before = '') => {
    const config = parse(`${before}routes: { a: { from: any, to: ${to} } }`, { functions })
    return config.functions.map(({ min, name, version }) => `${name}@${version} ${min}`)
  }

  test('a name takes the newest; those before it are there, and not kept warm', () => {
    expect(loaded('r')).toEqual(['r@2 0', 'r@9 0', 'r@10 1'])
    expect(loaded('in')).toEqual(['in@1 0', 'in@2 1'])
  })

  test('a version takes itself and those before it; what is wanted is kept warm', () => {
    expect(loaded('r@9')).toEqual(['r@2 0', 'r@9 1'])
    expect(loaded('{ r: 1, r@9: 9 }')).toEqual(['r@2 0', 'r@9 1', 'r@10 1'])
  })

  test('an entry that was written goes before the folder', () => {
    expect(loaded('r', 'functions: { r@1: x.wasm }\n')).toEqual(['r@1 1'])
    expect(loaded('[r@9, r@1]', 'functions: { r@1: x.wasm }\n')).toEqual(['r@1 1', 'r@2 0', 'r@9 1'])
  })

  test('the probe of a version that is written is that of those found after it, if they are to get events', () => {
    const probes = (to: string) => {
      const before = 'functions: { r@3: { wasm: y.wasm, probe: { reply: ok } } }\n'
      const config = parse(`${before}routes: { a: { from: any, to: ${to} } }`, { functions })
      return config.functions.flatMap(({ probe, version }) => (probe ? [version] : []))
    }
    expect(probes('{ r@3: 9, r@10: 1 }')).toEqual(['3', '10'])
    expect(probes('{ r@2: 9, r@3: 1 }')).toEqual(['3'])
    expect(probes('[r@9, r@10]').toSorted()).toEqual(['10', '3', '9'])
  })

  test('a version that is found has the options of the newest that is written, and none that is of that alone', () => {
    const before = `functions:
  r@1: { wasm: x.wasm, memory: 16MiB }
  r@3: { wasm: y.wasm, memory: 128MiB, approve: [wasi:http], pool: { min: 2, max: 3, warm: [{ schedule: "0 8 * * *", min: 3 }] } }
`
    const config = parse(`${before}routes: { a: { from: any, to: { r@3: 9, r@9: 1 } } }`, { functions })
    const found = config.functions.filter(({ version }) => version === '9' || version === '2')
    expect(found).toMatchObject([
      { version: '2', memoryBytes: 128 << 20, min: 0, max: 3 },
      { version: '9', memoryBytes: 128 << 20, min: 2, max: 3, wasm: join(functions, 'r@9.wasm') },
    ])
    expect(found.map(({ approve, warm }) => [approve, warm?.length])).toEqual([
      [undefined, undefined],
      [undefined, 1],
    ])
  })

  test('a version that is not there is told with those that are', () => {
    expect(mistakes('routes: { a: { from: any, to: r@3 } }', { functions }).join()).toContain(
      'the function "r" has no version "3" | there are "r@2", "r@9", "r@10"',
    )
  })
})
