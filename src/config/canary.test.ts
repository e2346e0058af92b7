/** The canary of a route in the configuration: what it stands for, and what is wrong with one. */

import { expect, test } from 'vitest'
import { connectors } from '../../connectors/index.ts'
import { expand, parseConfig } from './index.ts'

const parse = (to: string, canary: string) =>
  parseConfig(
    `functions: { size@2: a.wasm, size@10: b.wasm, other: c.wasm }
routes:
  r: { from: http, to: ${to}, canary: ${canary} }
  told: { from: gateway, to: other }
`,
    'headgate.yaml',
    { connectors },
  )

test('defaults are filled in, and its long form reads the same', () => {
  const config = parse('{ size@2: 90, size@10: 10 }', '{ p99: 200ms }')
  expect(config.routes[0]?.canary).toEqual({
    successRate: 0.99,
    p99Ms: 200,
    minCalls: 100,
    autoPromote: true,
    autoRollback: true,
  })
  const again = parseConfig(expand(config), 'again.yaml', { connectors })
  expect(again.routes).toEqual(config.routes)
})

test.each([
  ['size', '{}', 'a canary needs weights for two versions of one function or more'],
  ['{ size@2: 1 }', '{}', 'a canary needs weights for two versions of one function or more'],
  ['{ size@2: 90, other: 10 }', '{}', 'a canary needs weights for two versions of one function or more'],
  ['{ size@2: 90, "mqtt:a": 10 }', '{}', 'a canary needs weights for two versions of one function or more'],
  ['{ size@2: 100, size@10: 0 }', '{}', 'the newest version, "size@10", has no weight'],
  ['{ size@2: 90, size@10: 10 }', '{ success_rate: 0 }', 'success_rate'],
  ['{ size@2: 90, size@10: 10 }', '{ p99: 200 }', '200'],
  ['{ size@2: 90, size@10: 10 }', '{ p99: 0s }', 'longer than nothing'],
  ['{ size@2: 90, size@10: 10 }', '{ min_call: 5 }', 'did you mean'],
])('to: %s with canary: %s is a mistake', (to, canary, message) => {
  expect(() => parse(to, canary)).toThrow(message)
})

test('gateway is no name for a source', () => {
  const text =
    'sources: { gateway: { cron: { schedule: "* * * * *" } } }\nroutes: { r: { from: gateway, to: "mqtt:a" } }\n'
  expect(() => parseConfig(text, 'headgate.yaml', { connectors })).toThrow('"gateway" means something else')
})
