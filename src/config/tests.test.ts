/** Mistakes in tests are mistakes of the configuration, each at its place. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { FUNCTIONS, mistakes, options, parse } from './harness.ts'
import { loadConfig } from './load.ts'

const ROUTE = `${FUNCTIONS}sources: { nightly: { cron: { schedule: "0 2 * * *" } } }
routes:
  orders:
    from: mqtt:orders/+
    to: echo
    dead_letter: mqtt:dead
    tests:
      - `

describe('what cannot be tested is told at its place', () => {
  test.each([
    ['{ event: {}, to: ehco }', ['9:26 routes.orders.tests.0.to: there is no target "ehco" | did you mean "echo"?']],
    ['{ event: {}, to: [echo, none] }', ['9:33 routes.orders.tests.0.to.1: "none" stands alone']],
    ['{ to: echo }', ['9:9 routes.orders.tests.0: nothing comes in; write "event", "publish", "http" or "tick"']],
    [
      '{ event: {}, tick: nightly, to: echo }',
      ['9:9 routes.orders.tests.0: event and tick are one too many; a test has one of them'],
    ],
    [
      '{ event: {} }',
      ['9:9 routes.orders.tests.0: nothing is expected; write "to", "reply", "error", "times" or "count"'],
    ],
    [
      '{ event: {}, reply: 1, error: NO }',
      ['9:9 routes.orders.tests.0: reply and error are one too many; a call has one answer'],
    ],
    [
      '{ event: {}, error: FUNCTION_TRAPED }',
      [
        '9:29 routes.orders.tests.0.error: "FUNCTION_TRAPED" is no error code or type; did you mean "FUNCTION_TRAPPED"?',
      ],
    ],
    [
      '{ event: {}, error: not this }',
      ['9:29 routes.orders.tests.0.error: "not this" is no error; write a code such as ORDER_INVALID, or a type'],
    ],
    [
      '{ tick: nigthly, to: echo }',
      ['9:17 routes.orders.tests.0.tick: there is no cron source "nigthly" | did you mean "nightly"?'],
    ],
    [
      '{ event: { Sku: 1 }, to: echo }',
      [
        '9:18 routes.orders.tests.0.event: "Sku" cannot name an extension; names are lower-case letters a-z and digits, and not "data"',
      ],
    ],
    [
      '{ event: {}, fail: TimeoutErorr, to: echo }',
      ['9:28 routes.orders.tests.0.fail: "TimeoutErorr" is no error code or type; did you mean "TimeoutError"?'],
    ],
    [
      '{ event: {}, from: mqtt:orders/#, to: echo }',
      ['9:28 routes.orders.tests.0.from: "orders/#" is a filter; give the topic of one message'],
    ],
    ['{ event: {}, after: 5, to: echo }', ['9:29 routes.orders.tests.0.after: 5 has no unit; write 5s or 5ms']],
  ])('%s', (given, expected) => {
    expect(mistakes(`${ROUTE}${given}`)).toEqual(expected)
  })

  test('an error of the gateway itself is none of a target', () => {
    expect(mistakes(`${ROUTE}{ event: {}, fail: JOURNAL_IO, to: echo }`)[0]).toContain(
      '"JOURNAL_IO" is an error of the gateway, not of a target',
    )
  })
})

test('what is left out is made up: a name, a place where it comes in, a beginning', () => {
  const [made] = parse(`${ROUTE}{ event: { type: a }, fail: first 2, to: none }`).tests
  expect(made).toMatchObject({
    name: 'a (fails: first 2): to none',
    file: 'x.yaml',
    line: 9,
    column: 9,
    route: 'orders',
    begins: Date.parse('2026-01-01T00:00:00Z'),
    origin: { source: 'mqtt', address: 'orders/x' },
    failing: { first: 2 },
    to: [],
  })
})

describe('files of tests beside a configuration', () => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-tests-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const config = write('a.yaml', 'functions: { echo: echo.wasm }\nroutes: { r: { from: any, to: echo } }\n')
  write('echo.wasm', '')
  write('b.yaml', 'routes: { s: { from: any, to: mqtt:x } }\n')
  const given = { ...options, tests: true }

  test('are read with those of its name and those of no other file, and only when asked for', async () => {
    write('a.test.yaml', '- { event: {}, to: echo }\n- { route: r, event: {}, to: echo }\n')
    write('b.test.yaml', '- { event: {}, to: mqtt:x }\n')
    write('more.test.yaml', 'tests:\n  - { name: more, http: { path: /events }, to: none }\n')
    expect((await loadConfig(config, given)).tests).toMatchObject([
      { file: join(folder, 'a.test.yaml'), line: 1, column: 3 },
      { line: 2, route: 'r' },
      { file: join(folder, 'more.test.yaml'), line: 2, column: 5, name: 'more' },
    ])
    expect((await loadConfig(config, options)).tests).toEqual([])
  })

  test('of a folder are its tests, and no part of its configuration', async () => {
    expect((await loadConfig(folder, given)).tests).toHaveLength(4)
    expect((await loadConfig(folder, options)).routes).toHaveLength(2)
  })

  test('have their mistakes at their places', async () => {
    write('a.test.yaml', '- { route: q, event: {}, too: echo }\n')
    await expect(loadConfig(config, given)).rejects.toThrow(
      `${folder}/a.test.yaml:1:26: 0.too: "too" is not known here`,
    )
    write('a.test.yaml', '- { route: q, event: {}, to: echo }\n')
    await expect(loadConfig(config, given)).rejects.toThrow(
      `${folder}/a.test.yaml:1:12: 0.route: there is no route "q"`,
    )
  })
})
