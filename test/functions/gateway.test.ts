/** Functions of the other interfaces in a whole gateway: by a route, by name, and what a failure becomes. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Client, eventOf, settled } from '../e2e/path/client.ts'
import { type GatewayProcess, startGateway } from '../services/gateway.ts'
import { guest } from './open.ts'

const config = `
functions:
  spin-hello: ${guest('spin-hello')}
  line-count: ${guest('line-count')}
  upper: ${guest('upper')}
  hostile-program: ${guest('hostile-program')}
  idle: { wasm: ${guest('upper')}, pool: { min: 0 } }
  hostile: ${guest('hostile')}
  hasty: { wasm: ${guest('hostile')}, timeout: 300ms }
routes:
  looped: { from: "mqtt:looped", to: hasty, retry: { max: 1, delay: 10ms } }
  misbehaves: { from: "mqtt:misbehaves", to: hostile }
  asked: { from: "mqtt:asked", to: hostile-program }
  hello: { from: "http:GET /hello/*", to: spin-hello, retry: 0 }
`
let gateway: GatewayProcess
beforeAll(async () => {
  gateway = await startGateway({ config })
})
afterAll(() => gateway[Symbol.asyncDispose]())

const JSON_TYPE = { 'content-type': 'application/json' }

const call = async (name: string, body: string) => {
  const headers = JSON_TYPE
  const answer = await fetch(`http://127.0.0.1:${gateway.http}/call/${name}`, { method: 'POST', headers, body })
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() }
}

test('a handler of wasi:http behind a route sees method, path and query, and its response is the answer', async () => {
  const answer = await fetch(`http://127.0.0.1:${gateway.http}/hello/world?a=1`)
  expect(answer.status).toBe(201)
  expect(answer.headers.get('content-type')).toBe('text/plain')
  expect(await answer.text()).toBe('GET /hello/world?a=1 headgate.http.request ')
})

test('programs are called by name with their parameters', async () => {
  expect(await call('upper', '{"a":"b"}')).toEqual({ status: 200, type: 'application/json', text: '{"A":"B"}' })
  expect(await call('line-count', '{"a":\n1}')).toMatchObject({ status: 200, text: '{"lines":2,"bytes":8}\n' })
})

test('a call that an instance was made for says so, and is counted', async () => {
  const ask = () =>
    fetch(`http://127.0.0.1:${gateway.http}/call/idle`, { method: 'POST', headers: JSON_TYPE, body: '"x"' })
  const [first, second] = [await ask(), await ask()]
  expect([first, second].map(({ headers }) => headers.get('headgate-cold'))).toEqual(['true', null])
  const metrics = await (await fetch(`http://127.0.0.1:${gateway.admin}/metrics`)).text()
  expect(metrics).toContain('wasm_function_cold_starts_total{function="idle"} 1')
})

test('what an exit code refuses is a refusal to the caller', async () => {
  const refused = await call('hostile-program', '{"type":"exit","subject":"65"}')
  expect(refused.status).toBeGreaterThanOrEqual(400)
  expect(refused.status).toBeLessThan(500)
  expect(refused.text).toContain('EXIT_65')
})

test('a program that hogs its thread is ended, and its neighbours are answered meanwhile', async () => {
  const hog = call('hostile-program', '{"type":"sleep","subject":"1500"}')
  const neighbours = await Promise.all(Array.from({ length: 50 }, () => call('upper', '"x"')))
  expect(new Set(neighbours.map(({ text }) => text))).toEqual(new Set(['"X"']))
  expect(await hog).toMatchObject({ text: '' })
})

test('row 23: an event that is never done with is tried again, and then a dead letter of its timeout', async () => {
  await using client = await Client.connect(gateway)
  const event = eventOf('loop')
  const properties = { contentType: 'application/cloudevents+json' }
  await client.publish('looped', event, { properties })
  // Whoever comes behind it is answered meanwhile.
  const next = eventOf('calls')
  await client.publish('looped', next, { properties })
  expect((await settled(gateway, `${next['id']}`)).deliveries).toMatchObject([{ status: 'done' }])
  expect((await settled(gateway, `${event['id']}`)).deliveries).toMatchObject([
    {
      status: 'dead',
      attempts: 2,
      error: { code: 'FUNCTION_TIMED_OUT', type: 'TimeoutError', fingerprint: 'timeout' },
    },
  ])
})

test('a denial is logged, counted, and told of the event, with the line that would allow it', async () => {
  await using client = await Client.connect(gateway)
  const event = eventOf('file', { subject: 'read /etc/passwd' })
  await client.publish('asked', event, { properties: { contentType: 'application/cloudevents+json' } })
  const line = 'allow: { dirs: [{ guest: /etc, host: <folder> }] }'
  const denied = [{ function: 'hostile-program', message: expect.stringContaining(line) }]
  await expect.poll(() => settled(gateway, `${event['id']}`), { timeout: 10_000 }).toMatchObject({ denied })
  expect(gateway.output()).toContain(line)
  const metrics = await (await fetch(`http://127.0.0.1:${gateway.admin}/metrics`)).text()
  expect(metrics).toContain('wasm_function_denied_total{function="hostile-program",grant="dirs"} 1')
})

test('what a function writes is one line of the log each, whatever it looks like', async () => {
  await using client = await Client.connect(gateway)
  const event = eventOf('inject')
  await client.publish('misbehaves', event, { properties: { contentType: 'application/cloudevents+json' } })
  await settled(gateway, `${event['id']}`)
  const forged = gateway
    .output()
    .split(/\r\n|[\n\r]/)
    .filter((line) => line.includes('forged'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(forged.length).toBeGreaterThanOrEqual(2)
  for (const line of forged)
    expect(line).toMatchObject({ level: 'info', function: 'hostile', callId: expect.any(String) })
  const unseen = [...gateway.output()].filter((character) => character !== '\n' && /[\p{Cc}\p{Cf}]/u.test(character))
  expect(unseen).toEqual([])
})
