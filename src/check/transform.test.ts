/** Transforms in the tests of a configuration: what they make is what targets and callers get, on the clock of the test. */

import { describe, expect, test } from 'vitest'
import { results, run } from './harness.ts'

const routes = (options: string): string => `
functions: { work: work.wasm }
routes:
  orders:
    from: mqtt:orders/+
    to: work
${options}
`
const event = 'event: { type: t, subject: old, data: { n: 3 } }'

describe('the reply shows', () => {
  test.each<[string, string, string, string[]]>([
    ['what the function got', 'transform: \'{ "data": { "n": data.n * 2 } }\'', '{"n":6}', []],
    ['that nothing was changed', 'order_by: subject', '{"n":6}', ['reply: expected {"n":6}, got {"n":3}']],
    ['what the caller got', 'reply_transform: \'{ "was": data.n, "of": $event.subject }\'', '{"was":3,"of":"old"}', []],
    ['the virtual time', 'transform: \'{ "data": $now() }\'', '"2030-01-01T00:00:00.000Z"', []],
  ])('%s', async (_, option, reply, trouble) => {
    const given = `{ ${event}, at: 2030-01-01T00:00:00Z, reply: ${reply} }`
    expect(await run(routes(`    ${option}\n    tests: [${given}]`))).toEqual(trouble)
  })
})

test('a topic is named after what was made, and the route it is for takes it on', async () => {
  const text = `
routes:
  orders:
    from: mqtt:orders/+
    transform: '{ "subject": "new", "data": data }'
    to: mqtt:made/{subject}
    tests: [{ ${event}, to: mqtt:made/new }, { ${event}, to: mqtt:made/old }]
  next: { from: "mqtt:made/new", to: "mqtt:seen", tests: [{ publish: { topic: orders/1 }, to: mqtt:seen }] }
`
  expect(await run(text)).toEqual(['to: expected mqtt:made/old, got mqtt:made/new'])
})

test('an event that cannot be transformed is dead at once, and no target is asked', async () => {
  const option = '    transform: \'{ "data": data.n + "x" }\'\n    retry: 5'
  const [result] = await results(routes(`${option}\n    tests: [{ ${event}, to: work, times: 1 }]`))
  expect(result?.differences).toMatchObject([
    { what: 'to', got: 'none; one attempt, the last at work: TRANSFORM_FAILED' },
    { what: 'times', got: '0' },
  ])
})

test('members of a batch are transformed each', async () => {
  const option = '    transform: \'{ "data": { "n": data.n + 1 } }\'\n    batch: { max: 2, wait: 1h }'
  expect(await run(routes(`${option}\n    tests: [{ ${event}, repeat: 2, after: 0s, times: 1, count: 2 }]`))).toEqual(
    [],
  )
})
