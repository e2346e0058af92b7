/** Words of a guest in places where they could be more than words: content types, headers, properties. */

import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Client, eventOf } from '../e2e/path/client.ts'
import { eventually } from '../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../services/gateway.ts'
import { guest } from './open.ts'

let gateway: GatewayProcess
let server: Server
const seen: IncomingHttpHeaders[] = []
beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request.headers)
    request.resume().on('end', () => response.writeHead(204).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  gateway = await startGateway({
    config: `
functions: { hostile: ${guest('hostile')} }
sinks: { hook: { http: { url: "http://127.0.0.1:${port}/", allow: [127.0.0.1] } } }
routes:
  asked: { from: "mqtt:asked", to: hostile, retry: 0 }
  hooked: { from: "function:hostile", to: hook, retry: 0 }
`,
  })
})
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  server.closeAllConnections()
  server.close()
})

const ask = (client: Client, event: object, responseTopic?: string) =>
  client.publish('asked', event, {
    properties: { contentType: 'application/cloudevents+json', ...(responseTopic ? { responseTopic } : {}) },
  })

test.each([
  ['of two lines', 'text/plain\r\nx-injected: yes'],
  ['longer than MQTT has room for', 'x'.repeat(70_000)],
  ['with a NUL', 'text/plain\0'],
])('a content type %s does no harm: there is an answer, and the next one comes as well', async (what, type) => {
  await using client = await Client.connect(gateway)
  const topic = `answers/${what.replaceAll(' ', '-')}`
  await client.subscribe(topic)
  await ask(client, eventOf('typed', { datacontenttype: 'text/plain', data: type }), topic)
  await eventually(() => client.on(topic).length === 1, { what: 'an answer', withinMs: 15_000 })
  await ask(client, eventOf('typed', { datacontenttype: 'text/plain', data: 'text/plain' }), topic)
  await eventually(() => client.on(topic).length === 2, { what: 'the next answer', withinMs: 15_000 })
  expect(client.on(topic)[1]).toMatchObject({ text: 'typed', contentType: 'text/plain' })
})

test('attributes of two lines are one header each', async () => {
  await using client = await Client.connect(gateway)
  await ask(client, eventOf('split'))
  await ask(client, eventOf('split', { subject: 'whole' }))
  await eventually(() => gateway.output().includes('hooked') || seen.length > 0, { what: 'it came', withinMs: 15_000 })
  for (const headers of seen) expect(headers).not.toHaveProperty('x-injected')
  const ready = await fetch(`http://127.0.0.1:${gateway.admin}/ready`)
  expect(ready.status).toBe(200)
})
