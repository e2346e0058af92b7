/** Each expectation of a test fails when the configuration does not do it, and says what it got. */

import { describe, expect, test } from 'vitest'
import { connectors } from '../../connectors/index.ts'
import { parseConfig } from '../config/index.ts'
import { RehearsalHost } from '../host/rehearsal.ts'
import { echo, results, run } from './harness.ts'
import { runTests, setScene } from './index.ts'

const ROUTES = `
sources: { hourly: { cron: { schedule: "0 * * * *" } } }
functions: { work: work.wasm }
routes:
  orders:
    from: mqtt:orders/+
    when: type == "order.created" && data.amount > 0
    to: work
    retry: 5
    dead_letter: mqtt:dead/orders
`
const GOOD = 'event: { type: order.created, data: { amount: 3 } }'

describe('an expectation holds, or is told with what came instead', () => {
  test.each<[string, string, string | undefined]>([
    ['to', `{ ${GOOD}, to: work }`, undefined],
    ['to another', `{ ${GOOD}, to: mqtt:dead/orders }`, 'to: expected mqtt:dead/orders, got work'],
    ['to none', `{ event: { type: order.paid }, to: none }`, undefined],
    ['to none, and it was sent', `{ ${GOOD}, to: none }`, 'to: expected none, got work'],
    ['to, and nothing was sent', `{ event: { type: order.paid }, to: work }`, 'to: expected work, got none'],
    [
      'the list is whole',
      `{ ${GOOD}, fail: always, to: [work, mqtt:dead/orders] }`,
      'to: expected work, mqtt:dead/orders, got mqtt:dead/orders',
    ],
    ['fail always', `{ ${GOOD}, fail: always, to: mqtt:dead/orders, after: 31s }`, undefined],
    [
      'after',
      `{ ${GOOD}, fail: always, to: mqtt:dead/orders, after: 30999ms }`,
      'to: expected mqtt:dead/orders, got none; 5 attempts, the last at work: FUNCTION_TRAPPED',
    ],
    ['fail first', `{ ${GOOD}, fail: first 2, to: work, times: 3, count: 1 }`, undefined],
    ['times', `{ ${GOOD}, fail: first 2, times: 2 }`, 'times: expected 2, got 3'],
    ['count', `{ ${GOOD}, repeat: 4, count: 5 }`, 'count: expected 5, got 4'],
    ['count of those that succeeded', `{ ${GOOD}, fail: always, count: 0 }`, undefined],
    ['fail with a type', `{ ${GOOD}, fail: ValidationError, times: 1, to: mqtt:dead/orders }`, undefined],
    ['fail with a code', `{ ${GOOD}, fail: FUNCTION_RETRY, times: 6 }`, undefined],
    ['fail with a code of the function', `{ ${GOOD}, fail: NO_STOCK, times: 1 }`, undefined],
    [
      'a time-out takes its time',
      `{ ${GOOD}, fail: { first: 1, with: TimeoutError }, after: 30999ms, count: 0 }`,
      undefined,
    ],
    [
      'and then it is tried again',
      `{ ${GOOD}, fail: { first: 1, with: TimeoutError }, after: 31s, count: 1 }`,
      undefined,
    ],
    ['reply', `{ ${GOOD}, reply: { amount: 3 } }`, undefined],
    ['another reply', `{ ${GOOD}, reply: { amount: 4 } }`, 'reply: expected {"amount":4}, got {"amount":3}'],
    ['no reply', `{ event: { type: order.paid }, reply: 1 }`, 'reply: expected 1, got no reply'],
    ['publish', `{ publish: { topic: orders/1, payload: {} }, to: none }`, undefined],
  ])('%s', async (_, given, trouble) => {
    expect(await run(`${ROUTES}    tests: [${given}]`)).toEqual(trouble === undefined ? [] : [trouble])
  })
})

describe('whatever sits on the timer of the gateway goes by the virtual clock', () => {
  test.each<[string, string, string, string | undefined]>([
    ['delay', 'delay: 24h', `{ ${GOOD}, after: 23h, to: none }`, undefined],
    ['delay', 'delay: 24h', `{ ${GOOD}, after: 24h, to: work }`, undefined],
    ['no delay', 'delay: 1h', `{ ${GOOD}, after: 2h, to: none }`, 'to: expected none, got work'],
    ['rate', 'rate: { limit: 2, per: 1m }', `{ ${GOOD}, repeat: 5, after: 59s, times: 2 }`, undefined],
    ['rate', 'rate: { limit: 2, per: 1m }', `{ ${GOOD}, repeat: 5, after: 60s, times: 4 }`, undefined],
    [
      'no rate',
      'rate: { limit: 9, per: 1m }',
      `{ ${GOOD}, repeat: 5, after: 1s, times: 2 }`,
      'times: expected 2, got 5',
    ],
    [
      'dedupe',
      'dedupe: { key: data.amount, window: 1h }',
      `{ ${GOOD}, repeat: { times: 3, every: 30m }, count: 2 }`,
      undefined,
    ],
    ['no dedupe', 'concurrency: 2', `{ ${GOOD}, repeat: 3, count: 1 }`, 'count: expected 1, got 3'],
    ['batch', 'batch: { max: 3, wait: 10s }', `{ ${GOOD}, repeat: 4, after: 10s, times: 2, count: 4 }`, undefined],
    ['batch', 'batch: { max: 3, wait: 10s }', `{ ${GOOD}, repeat: 4, after: 9s, times: 1, count: 3 }`, undefined],
    ['no batch', 'concurrency: 4', `{ ${GOOD}, repeat: 4, times: 2 }`, 'times: expected 2, got 4'],
    [
      'debounce',
      'debounce: { key: data.amount, wait: 5s }',
      `{ ${GOOD}, repeat: { times: 4, every: 1s }, after: 7s, to: none }`,
      undefined,
    ],
    [
      'debounce',
      'debounce: { key: data.amount, wait: 5s }',
      `{ ${GOOD}, repeat: { times: 4, every: 1s }, after: 8s, count: 1 }`,
      undefined,
    ],
    [
      'no debounce',
      'concurrency: 4',
      `{ ${GOOD}, repeat: { times: 4, every: 1s }, count: 1 }`,
      'count: expected 1, got 4',
    ],
    ['breaker', 'breaker: { failures: 2, open: 1h }', `{ ${GOOD}, fail: always, after: 59m, times: 2 }`, undefined],
    [
      'no breaker',
      'breaker: { failures: 9, open: 1h }',
      `{ ${GOOD}, fail: always, after: 59m, times: 2 }`,
      'times: expected 2, got 6',
    ],
    ['order_by', 'order_by: data.amount', `{ ${GOOD}, repeat: 3, fail: always, after: 0s, times: 1 }`, undefined],
    [
      'no order',
      'concurrency: 3',
      `{ ${GOOD}, repeat: 3, fail: always, after: 0s, times: 1 }`,
      'times: expected 1, got 3',
    ],
  ])('%s: %s', async (_, control, given, trouble) => {
    expect(await run(`${ROUTES}    ${control}\n    tests: [${given}]`)).toEqual(trouble === undefined ? [] : [trouble])
  })

  test.each([
    ['{ tick: hourly, to: mqtt:clock }', []],
    ['{ tick: hourly, after: 24h, times: 24 }', []],
    ['{ tick: hourly, after: 59m, to: none }', []],
    ['{ tick: hourly, repeat: 3, count: 3 }', []],
    ['{ tick: hourly, after: 24h, times: 23 }', ['times: expected 23, got 24']],
  ])('ticks of a schedule: %s', async (given, trouble) => {
    const route = '  ticks: { from: hourly, to: mqtt:clock, tests: [ '
    expect(await run(`${ROUTES}${route}${given} ] }`)).toEqual(trouble)
  })
})

test('`as` of the source names the ticks', async () => {
  const named = ROUTES.replace(
    '"0 * * * *" } }',
    '"0 * * * *", data: { kind: report.due, at: 7 } }, as: { type: data.kind, subject: data.at } }',
  )
  const route = (when: string) =>
    `${named}  ticks: { from: hourly, when: '${when}', to: mqtt:clock, tests: [ { tick: hourly, to: mqtt:clock } ] }`
  expect(await run(route('type == "report.due" && subject == "7"'))).toEqual([])
  expect(await run(route('type == "dev.knative.sources.ping"'))).toEqual(['to: expected mqtt:clock, got none'])
})

describe('a caller over HTTP', () => {
  const route = '  api: { from: "http:POST /jobs/:id", to: work, retry: 3, tests: [ '
  test.each([
    ['{ http: { path: /jobs/1, body: { a: 1 } }, reply: { a: 1 } }', []],
    ['{ http: { path: /jobs/1, body: text, headers: { content-type: text/plain } }, reply: text }', []],
    ['{ http: { path: /jobs/1 }, fail: always, times: 1 }', []],
    ['{ http: { path: /jobs/1, headers: { Prefer: respond-async } }, fail: always, times: 4 }', []],
    ['{ http: { method: GET, path: /jobs/1 }, to: none }', []],
    ['{ http: { path: /jobs/1 }, fail: always, times: 4 }', ['times: expected 4, got 1']],
    ['{ http: { path: /events, body: {} }, to: work }', ['to: expected work, got none']],
  ])('%s', async (given, trouble) => {
    expect(await run(`${ROUTES}${route}${given} ] }`)).toEqual(trouble)
  })
})

describe('several targets, and an origin of its own', () => {
  const route = '  both: { from: [mqtt:log/+, function:work], to: [work, "mqtt:done/{subject}"], retry: 1, tests: [ '
  test.each([
    ['{ event: { subject: a }, to: [work, mqtt:done/a], times: 2 }', []],
    ['{ event: { subject: a }, to: [work, "mqtt:done/{subject}"] }', []],
    ['{ event: { subject: a }, to: [work, mqtt:done/b] }', ['to: expected work, mqtt:done/b, got work, mqtt:done/a']],
    ['{ event: { subject: a }, fail: { at: work }, to: mqtt:done/a, times: 3, count: 1 }', []],
    ['{ event: { subject: a }, fail: { first: 1, at: work }, times: 3, count: 2 }', []],
    ['{ event: {}, from: function:work, count: 2 }', []],
    ['{ event: {}, from: mqtt:elsewhere, to: none }', []],
    ['{ publish: { topic: log/a }, fail: always, times: 4 }', []],
    ['{ publish: { topic: log/a, qos: 0 }, fail: always, times: 2 }', []],
    ['{ publish: { topic: log/a, qos: 0 }, fail: always, times: 4 }', ['times: expected 4, got 2']],
    ['{ event: { id: same }, repeat: 3, times: 2 }', []],
    ['{ event: [{ type: a }, { type: b }], repeat: { times: 2, every: 1h }, after: 59m, count: 4 }', []],
  ])('%s', async (given, trouble) => {
    expect(await run(`${ROUTES}${route}${given} ] }`)).toEqual(trouble)
  })
})

test('functions run when a reply is asked for, and what they emit goes on; otherwise none is loaded', async () => {
  const emitting = {
    ...echo,
    invoke: async (...call: Parameters<typeof echo.invoke>) => ({
      ...(await echo.invoke(...call)),
      events: [{ specversion: '1.0', id: 'e', source: '/work', type: 'worked' } as const],
    }),
  }
  const next = '  next: { from: function:work, to: mqtt:next, tests: [ '
  const event = `${GOOD}, from: mqtt:orders/1`
  const asked = await results(
    `${ROUTES}${next}{ ${event}, reply: { amount: 3 }, to: mqtt:next }, { ${event}, to: none } ] }`,
    emitting,
  )
  expect(asked.map(({ passed }) => passed)).toEqual([true, true])
  const unloaded = parseConfig(`${ROUTES}    tests: [{ ${GOOD}, to: work }]`, 'x.yaml', { connectors, env: {} })
  const pool = () => expect.fail('the functions were loaded')
  const scene = setScene(unloaded, connectors, { pool, host: new RehearsalHost() })
  expect((await runTests(unloaded.tests, scene)).map(({ passed }) => passed)).toEqual([true])
})

test('a test looks at the deliveries of its route alone', async () => {
  const other = '  all: { from: any, to: mqtt:log, tests: [{ event: {}, fail: always, to: none, times: 4 }] }'
  expect(await run(`${ROUTES}${other}`)).toEqual([
    'to: expected none, got none; 4 attempts, the last at mqtt:log: SINK_UNAVAILABLE',
  ])
})

test('time does not pass while there is more to do at once than one turn of the event loop takes', async () => {
  const many = `{ ${GOOD}, repeat: 2000, fail: first 1, after: 0s, times: 2000, count: 0 }`
  const later = `{ ${GOOD}, repeat: 2000, fail: first 1, after: 1s, times: 4000, count: 2000 }`
  expect(await run(`${ROUTES}    concurrency: 4000\n    tests: [${many}, ${later}]`)).toEqual([])
})

test('what a variable stands for is not shown', async () => {
  const given = `    tests: [{ event: { type: order.created, data: { amount: 3, key: "\${KEY}" } }, reply: "\${KEY}" }]`
  const [failed] = await results(`${ROUTES}${given}`)
  expect(failed?.differences).toEqual([{ what: 'reply', expected: `"\${KEY}"`, got: `{"amount":3,"key":"\${KEY}"}` }])
  expect(JSON.stringify(failed)).not.toContain('swordfish')
})

test('a year passes at once', async () => {
  const began = performance.now()
  expect(
    await run(`${ROUTES}    delay: 365d\n    tests: [{ ${GOOD}, after: 364d, to: none }, { ${GOOD}, to: work }]`),
  ).toEqual([])
  expect(performance.now() - began).toBeLessThan(30_000)
})

describe('a fallback', () => {
  const with_ = (given: string): string => `
functions: { work: work.wasm, instead: instead.wasm }
routes:
  orders: { from: mqtt:orders/+, to: work, retry: 2, fallback: instead, dead_letter: mqtt:dead, tests: [${given}] }
`
  const both = 'fail: { at: [work, instead] }'
  test.each([
    ['{ event: { type: a }, to: work, times: 1 }', []],
    ['{ event: { type: a, data: 5 }, fail: always, to: instead, after: 3s, times: 4, reply: 5 }', []],
    ['{ event: { type: a }, fail: always, to: work, after: 3s }', ['to: expected work, got instead']],
    ['{ event: { type: a }, fail: always, after: 2s, to: instead }', [expect.stringContaining('got none; 2 attempts')]],
    [`{ event: { type: a }, ${both}, to: "mqtt:dead", after: 3s, times: 4 }`, []],
    ['{ event: { type: a }, fail: NO_STOCK, to: instead, times: 2, after: 0s }', []],
  ])('%s', async (given, trouble) => {
    expect(await run(with_(given))).toEqual(trouble)
  })
})

describe('a default route', () => {
  const file = (given: string): string => `
functions: { work: work.wasm, rest: rest.wasm }
routes:
  orders: { from: mqtt:orders/+, when: type == "order", to: work }
  others: { from: "mqtt:orders/#", default: true, to: rest, tests: [${given}] }
`
  test.each([
    ['{ event: { type: other }, to: rest }', []],
    ['{ event: { type: order }, from: mqtt:orders/1, to: none }', []],
    ['{ event: { type: order }, from: mqtt:orders/1, to: rest }', ['to: expected rest, got none']],
  ])('%s', async (given, trouble) => {
    expect(await run(file(given))).toEqual(trouble)
  })
})

test('what is for a sink that is gone waits: it is neither tried again nor a dead letter', async () => {
  const file = (given: string): string => `
sinks: { billing: { http: { url: "https://billing.example" } } }
routes: { orders: { from: mqtt:orders/+, to: billing, retry: 2, dead_letter: mqtt:dead, tests: [${given}] } }
`
  const gone = 'event: { type: a }, repeat: { times: 3, every: 1m }, fail: SINK_GONE'
  expect(await run(file(`{ ${gone}, times: 1, count: 0, after: 24h }`))).toEqual([])
  expect(await run(file(`{ ${gone}, to: "mqtt:dead", after: 24h }`))).toEqual(['to: expected mqtt:dead, got none'])
})

test('one of several targets may be the fallback of the others, and has none itself', async () => {
  const file = (given: string): string => `
functions: { old: old.wasm, new: new.wasm }
routes: { orders: { from: mqtt:orders/+, to: { old: 0, new: 1 }, retry: 0, fallback: old, tests: [${given}] } }
`
  expect(await run(file('{ event: { type: a }, fail: { at: new }, to: old, times: 2 }'))).toEqual([])
  expect(await run(file('{ event: { type: a }, fail: always, count: 0, times: 2 }'))).toEqual([])
  const other = file('{ event: { type: a }, fail: { at: old }, count: 0, times: 1 }').replace(
    'old: 0, new: 1',
    'old: 1, new: 0',
  )
  expect(await run(other)).toEqual([])
})
