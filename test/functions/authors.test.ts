/** The examples that reach something, in a real gateway: stores, values, requests to a server of the loopback, events. */

import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Client, jsonOf, post, unique } from '../e2e/path/client.ts'
import { type GatewayProcess, ROOT, startGateway } from '../services/gateway.ts'

/** What they ask: rates, and a warehouse. */
const asked: string[] = []
let status = 200
const server: Server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`)
  const there = request.url !== '/rates/XTS/EUR'
  response.writeHead(there ? status : 404, { 'content-type': 'application/json' })
  response.end(JSON.stringify(request.url?.startsWith('/rates/') ? { rate: 0.5 } : { there: 10 }))
})

/** The configuration that lies beside an example, and asks the server of this test. */
const configOf = (name: string, port: number): string =>
  readFileSync(join(ROOT, 'functions', name, 'headgate.yaml'), 'utf8')
    .replaceAll('8099', String(port))
    .replace(`./${name}.wasm`, join(ROOT, 'functions', name, `${name}.wasm`))
    .replace(/^name: .*\n/m, '')

const gateways = new Map<string, GatewayProcess>()
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  for (const name of ['price-converter', 'stock-watch'])
    gateways.set(name, await startGateway({ config: configOf(name, port) }))
})
afterAll(async () => {
  for (const gateway of gateways.values()) await gateway[Symbol.asyncDispose]()
  server.close()
})

const gatewayOf = (name: string): GatewayProcess => {
  const gateway = gateways.get(name)
  if (!gateway) throw new Error('it has not been started')
  return gateway
}

test('price-converter, in JavaScript: asks for a rate once, keeps it, replies, and emits', async () => {
  const gateway = gatewayOf('price-converter')
  await using client = await Client.connect(gateway)
  await client.subscribe('prices/converted')
  for (const amount of [10, 3]) {
    const answer = await post(gateway.http, '/prices', { amount, currency: 'USD' })
    expect(answer).toMatchObject({ status: 200, text: JSON.stringify({ amount: amount / 2, currency: 'EUR' }) })
  }
  await client.receive('prices/converted', { count: 2 })
  const emitted = client.on('prices/converted').map(jsonOf)
  expect(emitted.map(({ type }) => type)).toEqual(['price.converted', 'price.converted'])
  expect(emitted.map(({ data }) => JSON.stringify(data)).toSorted()).toEqual([
    '{"amount":1.5,"currency":"EUR"}',
    '{"amount":5,"currency":"EUR"}',
  ])
  expect(asked).toEqual(['GET /rates/USD/EUR'])
  expect(gateway.output()).toContain('rate USD/EUR is 0.5, asked for 1 times')
  expect(await post(gateway.http, '/prices', { amount: 1, currency: 'XTS' })).toMatchObject({
    status: 422,
    text: expect.stringContaining('NO_RATE'),
  })
  expect(await post(gateway.http, '/prices', { amount: -1, currency: 'USD' })).toMatchObject({ status: 400 })
})

/** Publishes a sale, and resolves to what is answered. */
async function sell(client: Client, sale: object): Promise<Record<string, unknown>> {
  const responseTopic = unique('inbox')
  await client.subscribe(responseTopic)
  await client.publish('sales', sale, { properties: { responseTopic, contentType: 'application/json' } })
  return jsonOf(await client.receive(responseTopic))
}

test('stock-watch, in Rust: counts over instances, asks its warehouse, and emits when little is left', async () => {
  const gateway = gatewayOf('stock-watch')
  await using client = await Client.connect(gateway)
  await client.subscribe('stock/low')
  const article = unique('lamp')
  expect(await sell(client, { article, quantity: 4 })).toEqual({ article, left: 6 })
  expect(await sell(client, { article, quantity: 3 })).toEqual({ article, left: 3 })
  const low = jsonOf(await client.receive('stock/low'))
  expect(low).toMatchObject({ type: 'stock.low', data: { article, left: 3 } })
  expect(gateway.output()).toContain(`3 left of ${article}`)
  expect(asked.filter((line) => line === `GET /stock/${article}`)).toHaveLength(2)
})

test('a server that is out of order is asked again, and what is counted is counted once', async () => {
  const gateway = gatewayOf('stock-watch')
  await using client = await Client.connect(gateway)
  status = 503
  const article = unique('chair')
  const sold = sell(client, { article, quantity: 2 })
  const times = () => asked.filter((line) => line === `GET /stock/${article}`).length
  await expect.poll(times, { timeout: 20_000 }).toBeGreaterThan(1)
  status = 200
  expect(await sold).toEqual({ article, left: 8 })
})
