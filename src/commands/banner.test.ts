/** What run says once it is up. */

import { expect, test } from 'vitest'
import { banner } from './banner.ts'
import { plain } from './terminal.ts'

const config = { name: 'shop', routes: [], callable: ['resize', 'echo'], journal: { path: 'var/journal' } }
const addresses = new Map([
  ['hooks', 'http://127.0.0.1:9999'],
  ['mqtt', 'tcp://127.0.0.1:1884'],
  ['http', 'http://127.0.0.1:8081'],
])

test('the banner says what listens where, and what to try there', () => {
  const lines = banner({ config, path: 'config/shop.yaml', addresses }, plain)
  expect(lines[0]).toMatch(/^headgate \d+\.\d+\.\d+ runs "shop" of config\/shop\.yaml$/)
  expect(lines.slice(2, 6)).toEqual([
    '  MQTT     tcp://127.0.0.1:1884',
    '  HTTP     http://127.0.0.1:8081',
    '  hooks    http://127.0.0.1:9999',
    '  journal  var/journal',
  ])
  expect(lines).toContain(`  npx headgate call echo --http 127.0.0.1:8081 --data '{"hello":"world"}'`)
  expect(lines.at(-1)).toContain('mosquitto_rr -V 5 -h 127.0.0.1 -p 1884 -t service/echo')
})

test('with nothing to call there is nothing to try', () => {
  const text = banner({ config: { ...config, callable: [] }, path: 'x', addresses }, plain).join('\n')
  expect(text).not.toContain('try')
})
