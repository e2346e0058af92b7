/** A whole gateway whose function reaches its host: stores, requests, topics and other functions. */

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGateway, type EmbeddedGateway } from '../../src/index.ts'
import { example, guest } from './open.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-host-'))
let server: Server
let origin = ''
let gateway: EmbeddedGateway | undefined

const yaml = (port: number) => `
broker: { listen: ["tcp://127.0.0.1:0"] }
http: { listen: 127.0.0.1:0 }
admin: { listen: 127.0.0.1:0 }
journal: { path: ${folder} }
log: { level: error }
functions:
  reach:
    wasm: ${guest('reach')}
    timeout: 3s
    pool: { max: 3 }
    allow:
      kv: [things]
      http: [{ host: 127.0.0.1, port: ${port}, private: true }, { host: 127.0.0.1, port: 9, private: false }]
      config: { greeting: hello }
      messaging: { publish: [out/#], request: [ask/+, service/reach] }
      call: [echo, reach]
  deep: { wasm: ${guest('reach')}, timeout: 20s, pool: { max: 20 }, allow: { call: [deep] } }
  narrow: { wasm: ${guest('reach')}, timeout: 20s, pool: { max: 2 }, allow: { call: [narrow] } }
  cloud:
    wasm: ${guest('cloud')}
    allow: { kv: [visits], messaging: { publish: [out/#], request: [ask/+] } }
  echo: ${example('echo')}
routes:
  kept: { from: mqtt:out/kept, to: mqtt:copies }
  ask: { from: mqtt:ask/echo, to: echo }
`

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/gone') response.statusCode = 410
    request.pipe(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  origin = `http://127.0.0.1:${port}`
  gateway = await createGateway({ yaml: yaml(port) })
  await gateway.start()
})
afterAll(async () => {
  await gateway?.stop()
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

const running = (): EmbeddedGateway => {
  if (!gateway) throw new Error('it has not been started')
  return gateway
}

const call = async (type: string, subject = 'none', data = ''): Promise<unknown> => {
  const event = {
    specversion: '1.0',
    id: crypto.randomUUID(),
    source: '/test',
    type,
    subject,
    data,
    datacontenttype: 'text/plain',
  }
  const { data: answer } = await running().call('reach', event, { timeoutMs: 10_000 })
  return Buffer.isBuffer(answer) ? answer.toString() : answer
}

/** A request to a handler of wasi:http. */
const get = async (path: string): Promise<unknown> => {
  const head = {
    specversion: '1.0',
    id: crypto.randomUUID(),
    source: '/test',
    type: 'headgate.http.request',
    method: 'GET',
  }
  const { data: answer } = await running().call('cloud', { ...head, subject: path }, { timeoutMs: 10_000 })
  return Buffer.isBuffer(answer) ? answer.toString() : answer
}

test('a handler of wasi:http with what wasmCloud gives: the older draft of wasi:keyvalue, and its messaging', async () => {
  const visits = await Promise.all(Array.from({ length: 20 }, () => get('/visits/home')))
  expect(new Set(visits.map(Number)).size).toBe(20)
  const many = '1501 keys on 2 pages, [Some(("k0000", [118])), None]'
  expect(await get('/many/k')).toBe(many)
  expect(await get('/request/ask/echo')).toBe('ping')
  expect(String(await get('/request/ask/nobody'))).toContain('no route takes it')
  expect(await get('/publish/out/kept')).toBe('published')
  expect(await get('/publish/elsewhere')).toBe('denied')
})

test('stores', async () => {
  expect(await call('kv.set', 'things a', 'one')).toBe('set')
  expect(await call('kv.get', 'things a')).toBe('one')
  expect(await call('kv.get', 'things b')).toBe('none')
  expect(await call('kv.exists', 'things a')).toBe('true')
  expect(await call('kv.increment', 'things n', '5')).toBe('5')
  expect(await call('kv.increment', 'things n', '-7')).toBe('-2')
  expect(await call('kv.swap', 'things a')).toBe('was one')
  expect(await call('kv.swap', 'things a', 'another')).toBe('failed: was swapped, is another')
  expect(await call('kv.many', 'things x y', 'v')).toBe('x=v y=v absent=none')
  expect(await call('kv.keys', 'things')).toBe('a n')
  expect(await call('kv.delete', 'things a')).toBe('deleted')
  expect(await call('kv.get', 'things a')).toBe('none')
  await expect(call('kv.get', 'others a')).rejects.toThrow('Error::AccessDenied')
})

test('requests', async () => {
  expect(await call('http.post', `${origin}/a`, 'hello')).toBe('200  hello')
  expect(await call('http.get', `${origin}/a`)).toBe('200  ')
  await expect(call('http.get', 'http://127.0.0.1:1/a')).rejects.toThrow('HttpRequestDenied')
})

test('config, messages and calls', async () => {
  expect(await call('config.get', 'greeting')).toBe('Some("hello")')
  expect(await call('config.get', 'other')).toBe('None')
  expect(await call('config.all')).toBe('[("greeting", "hello")]')
  expect(await call('log', 'context', 'line')).toBe('logged')
  expect(await call('call', 'echo', '{"a":1}')).toBe('{"a":1}')
  await expect(call('call', 'other', '{}')).rejects.toThrow('Error::Denied')
  expect(await call('request', 'ask/echo', 'hi')).toBe('hi')
  await expect(call('request', 'ask/nobody', 'hi')).rejects.toThrow('NO_ROUTE')
  const accepted = Promise.withResolvers<string>()
  const end = running().watch((one) => {
    if (one.kind === 'accepted' && one.event.type === 'headgate.function.publish')
      accepted.resolve(Buffer.from(one.event.data ?? []).toString())
  })
  expect(await call('publish', 'out/kept', 'kept')).toBe('published')
  expect(await accepted.promise).toBe('kept')
  end()
  await expect(call('publish', 'elsewhere', 'x')).rejects.toThrow('Error::Denied')
})

test('functions that call each other go eight deep, and are refused at once where they could only wait', async () => {
  const begun = performance.now()
  const failing = (name: string) => running().call(name, 'chain', { timeoutMs: 20_000 }).then(String, String)
  expect(await failing('deep')).toMatch(/CALL_TOO_DEEP.*8 functions wait for each other already/)
  // Two instances: the second waits for a third.
  const answers = await Promise.all(Array.from({ length: 6 }, () => failing('narrow')))
  for (const answer of answers) expect(answer).toMatch(/each of its 2 instances waits for another function/)
  expect(performance.now() - begun).toBeLessThan(15_000)
})

/** What is counted of it, by name and labels as they are written. */
async function counts(): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${running().addresses.get('admin')}/metrics`)).text()
  const samples = text.split('\n').filter((line) => /^(?:wasm_function|headgate_store)_/.test(line))
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

test('what functions ask is counted, under names of the configuration and no others', async () => {
  const before = await counts()
  await call('kv.set', 'things counted', 'no number')
  for (const type of ['kv.get', 'kv.exists', 'kv.swap', 'kv.keys']) await call(type, 'things counted')
  await call('kv.increment', 'things sum', '1')
  for (const [type, subject, data] of [
    ['kv.increment', 'things counted', '1'],
    ['kv.get', 'others a', ''],
    ['http.get', 'http://127.0.0.1:9/', ''],
    ['http.get', 'http://127.0.0.1:1/', ''],
    ['publish', 'elsewhere', 'x'],
    ['request', 'ask/nobody', 'x'],
    ['call', 'other', '{}'],
  ] as const)
    await expect(call(type, subject, data)).rejects.toThrow()
  for (const path of ['/a', '/b', '/gone']) await call('http.post', `${origin}${path}`, 'x')
  await call('publish', 'out/kept', 'kept')
  await call('request', 'ask/echo', 'hi')
  await call('call', 'echo', '{}')
  await expect(running().call('deep', 'chain', { timeoutMs: 20_000 })).rejects.toThrow('CALL_TOO_DEEP')
  const more = [...(await counts())].map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const)
  const asked =
    /^headgate_store_|^wasm_function_(?:http_requests|http_request_duration_seconds_count|messages|call_errors|calls_)/
  expect(Object.fromEntries(more.filter(([name, count]) => asked.test(name) && count > 0))).toEqual({
    'headgate_store_operations_total{store="things",operation="write"}': 1,
    // A swap reads first, and the text that is no number is read by nobody.
    'headgate_store_operations_total{store="things",operation="get"}': 2,
    'headgate_store_operations_total{store="things",operation="has"}': 1,
    'headgate_store_operations_total{store="things",operation="keys"}': 1,
    'headgate_store_operations_total{store="things",operation="swap"}': 1,
    'headgate_store_operations_total{store="things",operation="increment"}': 2,
    'headgate_store_errors_total{store="things",operation="increment"}': 1,
    'wasm_function_http_requests_total{function="reach",outcome="2xx"}': 2,
    'wasm_function_http_requests_total{function="reach",outcome="4xx"}': 1,
    'wasm_function_http_requests_total{function="reach",outcome="destination-IP-prohibited"}': 1,
    'wasm_function_http_request_duration_seconds_count{function="reach"}': 4,
    'wasm_function_messages_published_total{function="reach",outcome="done"}': 1,
    'wasm_function_messages_requested_total{function="reach",outcome="done"}': 1,
    'wasm_function_messages_requested_total{function="reach",outcome="failed"}': 1,
    'wasm_function_calls_total{function="reach",to="echo"}': 1,
    'wasm_function_calls_total{function="deep",to="deep"}': 9,
    'wasm_function_call_errors_total{function="deep",to="deep"}': 9,
  })
})
