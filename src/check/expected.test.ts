/** Expected errors, ticks that are far away, and versions of functions, in the tests of a configuration. */

import { describe, expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import { echo, results, run } from './harness.ts'

const ROUTES = `functions: { work: work.wasm }
routes:
`

describe('an error reply', () => {
  const route = '  api: { from: "http:POST /jobs/:id", to: work, retry: 3, tests: [ '
  test.each([
    ['{ http: { path: /jobs/1 }, fail: always, error: FUNCTION_TRAPPED }', []],
    ['{ http: { path: /jobs/1 }, fail: TimeoutError, error: TimeoutError }', []],
    ['{ http: { path: /jobs/1 }, fail: NO_STOCK, error: NO_STOCK }', []],
    [
      '{ http: { path: /jobs/1 }, fail: NO_STOCK, error: ValidationError }',
      [
        'error: expected ValidationError, got BusinessLogicError NO_STOCK: work (function): delivering: it fails because the test says so',
      ],
    ],
    ['{ http: { path: /jobs/1, body: hi }, error: NO_STOCK }', ['error: expected NO_STOCK, got the reply hi']],
    ['{ http: { method: GET, path: /jobs/1 }, error: NO_ROUTE }', []],
    ['{ http: { path: /call/wrk }, error: FUNCTION_UNKNOWN }', []],
    ['{ http: { path: /call/desk/wrk }, error: FUNCTION_UNKNOWN }', []],
  ])('%s', async (given, trouble) => {
    expect(await run(`${ROUTES}${route}${given} ] }`)).toEqual(trouble)
  })
})

test('an error that a function really answers', async () => {
  const refusing = {
    ...echo,
    invoke: () =>
      Promise.reject(new GatewayError('FUNCTION_REJECTED', 'work: no', { type: 'ValidationError', detailCode: 'NO' })),
  }
  const route = '  api: { from: "http:POST /jobs", to: work, tests: [ '
  for (const error of ['NO', 'ValidationError'])
    expect(await results(`${ROUTES}${route}{ http: { path: /jobs }, error: ${error} } ] }`, refusing)).toMatchObject([
      { passed: true },
    ])
})

describe('a tick that is years away', () => {
  const tick = (schedule: string, test: string): string =>
    `sources: { leap: { cron: { schedule: "${schedule}", timezone: Europe/Berlin } } }
routes: { r: { from: leap, when: '${test}', to: "mqtt:x", tests: [ { tick: leap, to: "mqtt:x" } ] } }`
  test.each([
    ['0 0 29 2 *', 'time.startsWith("2028-02-28T23:00:00")'],
    ['30 4 29 2 1', 'time.startsWith("2044-02-29T03:30:00")'],
    ['0 12 31 12 *', 'time.startsWith("2026-12-31T11:00:00")'],
  ])('%s', async (schedule, when) => expect(await run(tick(schedule, when))).toEqual([]))
})

describe('versions of a function', () => {
  const text = (tests: string): string => `functions: { f@1: f.wasm, f@2: f.wasm }
routes:
  r: { from: "mqtt:a", to: f, tests: [ ${tests} ] }
  w: { from: "mqtt:b", to: { f@1: 1, f@2: 0 }, retry: 0, tests: [ { event: {}, to: f@1 } ] }`
  test.each([
    ['{ event: {}, to: f }', []],
    ['{ event: {}, to: f@2 }', []],
    ['{ event: {}, fail: { at: f }, times: 4 }', []],
    ['{ event: {}, from: mqtt:b, to: none }', []],
  ])('%s', async (given, trouble) => expect(await run(text(given))).toEqual(trouble))

  test('that did not get it', async () => {
    const other = text('').replace('{ event: {}, to: f@1 }', '{ event: {}, to: f@2 }')
    expect(await run(other)).toEqual(['to: expected f@2, got f@1'])
  })
})
