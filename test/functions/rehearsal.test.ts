/** Functions that reach their host where there is no gateway: in the tests of a configuration, and run by hand. */

import { expect, test } from 'vitest'
import { connectors } from '../../connectors/index.ts'
import { Functions } from '../../src/check/functions.ts'
import { runTests, setScene } from '../../src/check/index.ts'
import { parseConfig } from '../../src/config/index.ts'
import { example, guest } from './open.ts'

const yaml = `
functions:
  reach:
    wasm: ${guest('reach')}
    allow:
      kv: [things]
      http: [api.example]
      messaging: { publish: ['#'], request: ['#'] }
      call: [echo]
  echo: ${example('echo')}
routes:
  out: { from: mqtt:out, to: mqtt:elsewhere }
  ask: { from: mqtt:ask, to: echo, delivery: durable }
  reach:
    from: mqtt:in
    to: reach
    retry: 0
    tests:
      - { name: a store holds what a test set, event: { type: kv.increment, subject: things n }, reply: 1 }
      - { name: and nothing of another, event: { type: kv.increment, subject: things n }, reply: 1 }
      - { name: it calls another, event: { type: call, subject: echo, data: { a: 1 } }, reply: { a: 1 } }
      - { name: it asks a route, event: { type: request, subject: ask, data: { a: 1 } }, reply: { a: 1 } }
      - { name: it publishes, event: { type: publish, subject: out, data: 1 }, reply: published }
      - { name: it dials nothing, event: { type: http.get, subject: "https://api.example/", callid: c }, error: FUNCTION_RETRY }
`

test('the tests of a configuration have stores of their own, its routes and functions, and no network', async () => {
  const config = parseConfig(yaml, 'x.yaml', { connectors, env: {} })
  await using functions = new Functions()
  const scene = setScene(config, connectors, { pool: () => functions.pool(config), host: functions.host })
  const results = await runTests(config.tests, scene)
  await scene.transformer[Symbol.asyncDispose]()
  expect(results.flatMap(({ name, differences }) => differences.map((one) => ({ name, ...one })))).toEqual([])
  expect(results).toHaveLength(6)
})
