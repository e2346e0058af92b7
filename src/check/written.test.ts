/** What a test in the configuration writes is what comes in, and the times of a route are the ones that it names. */

import { describe, expect, test } from 'vitest'
import { run } from './harness.ts'

/** A route that takes what `when` says of what comes in. */
const taking = (when: string, given: string): string => `
functions: { work: work.wasm }
routes:
  taking: { from: "mqtt:t/#", when: '${when}', to: work, tests: [{ ${given}, to: work }] }
`

describe('an event has what is written, and what it must have', () => {
  test.each([
    ['id == "test-1"', 'event: {}'],
    ['id == "mine"', 'event: { id: mine }'],
    ['source == "/headgate/check"', 'event: {}'],
    ['source == "/shop"', 'event: { source: /shop }'],
    ['type == "headgate.test"', 'event: {}'],
    ['subject == "s"', 'event: { subject: s }'],
    ['time == "2026-01-01T00:00:00.000Z"', 'event: {}'],
    ['time == "2027-02-03T04:05:06Z"', 'event: { time: "2027-02-03T04:05:06Z" }'],
    ['time == "2026-03-29T00:30:00.000Z"', 'event: {}, at: "2026-03-29T00:30:00Z"'],
    ['datacontenttype == "application/json" && data == "x"', 'event: { data: x }'],
    ['datacontenttype == "text/plain" && data == "x"', 'event: { data: x, datacontenttype: text/plain }'],
    ['dataschema == "https://a.example/b"', 'event: { dataschema: "https://a.example/b" }'],
    ['tenant == "acme"', 'event: { tenant: acme }'],
    ['topic == "t/other"', 'event: {}, from: "mqtt:t/other"'],
  ])('%s: %s', async (when, given) => expect(await run(taking(when, given))).toEqual([]))
})

describe('a publish has what is written', () => {
  test.each([
    ['topic == "t/1" && qos == 1 && !retain', '{ topic: t/1 }'],
    ['data.n == 7', '{ topic: t/1, payload: { n: 7 }, content_type: application/json }'],
    ['data == "seven"', '{ topic: t/1, payload: seven, content_type: text/plain }'],
    ['retain == true', '{ topic: t/1, retain: true }'],
    ['qos == 0', '{ topic: t/1, qos: 0 }'],
    ['tenant == "acme"', '{ topic: t/1, properties: { Tenant: acme } }'],
    ['datacontenttype == "text/csv"', '{ topic: t/1, content_type: text/csv }'],
    ['event.replyto == "answers/1"', '{ topic: t/1, response_topic: answers/1 }'],
  ])('%s: %s', async (when, given) => expect(await run(taking(when, `publish: ${given}`))).toEqual([]))
})

/** With the tests of a route that has these options. */
const timed = (options: string, tests: string): string => `
functions: { work: work.wasm }
routes: { timed: { from: mqtt:t, to: work, ${options}, tests: [${tests}] } }
`
const FAILS = 'event: {}, fail: always'

describe('a route waits as long as it says', () => {
  test.each([
    ['retry: { max: 1, delay: 10s }', `{ ${FAILS}, after: 9s, times: 1 }, { ${FAILS}, after: 11s, times: 2 }`],
    ['retry: { max: 4, cap: 3s }', `{ ${FAILS}, after: 8s, times: 4 }, { ${FAILS}, after: 9s, times: 5 }`],
    [
      'retry: { max: 9, backoff: constant, delay: 2s }',
      `{ ${FAILS}, after: 5s, times: 3 }, { ${FAILS}, after: 6s, times: 4 }`,
    ],
    [
      'retry: { max: 9, backoff: linear, delay: 2s }',
      `{ ${FAILS}, after: 5s, times: 2 }, { ${FAILS}, after: 6s, times: 3 }`,
    ],
    ['retry: { max: 9, max_age: 4s }', `{ ${FAILS}, times: 3 }`],
    ['retry: { max: 9, except: [SystemError] }', `{ ${FAILS}, times: 1 }`],
    [
      'timeout: 5s, retry: 1',
      `{ event: {}, fail: TimeoutError, after: 4s, times: 1 }, { event: {}, fail: TimeoutError, after: 6s, times: 2 }`,
    ],
    ['delay: 3s', '{ event: {}, after: 2s, to: none }, { event: {}, after: 3s, to: work }'],
  ])('%s', async (options, tests) => expect(await run(timed(options, tests))).toEqual([]))
})
