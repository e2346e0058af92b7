import { expect, test } from 'vitest'
import { banner } from './banner.ts'
import { plain } from './terminal.ts'

const config = { name: 'shop', routes: [], callable: ['resize', 'echo'], journal: { path: 'var/journal' } }
const addresses = new Map([
  ['tcp', 'tcp://127.0.0.1:1884'],
  ['http', 'http://127.0.0.1:8081'],
])

test('the banner says what listens where, and what to try there', () => {
  const lines = banner({ config, path: 'config/shop.yaml', addresses }, plain)
  expect(lines[0]).toMatch(/^headgate \d+\.\d+\.\d+ runs "shop" of config\/shop\.yaml$/)
  expect(lines).toContain('  MQTT     tcp://127.0.0.1:1884')
  expect(lines).toContain(`  npx headgate call echo --http 127.0.0.1:8081 --data '{"hello":"world"}'`)
  expect(lines.at(-1)).toContain('mosquitto_rr -h 127.0.0.1 -p 1884 -q 1 -t service/echo')
})

test('with nothing to call there is nothing to try', () => {
  const text = banner({ config: { ...config, callable: [] }, path: 'x', addresses }, plain).join('\n')
  expect(text).not.toContain('try')
})
