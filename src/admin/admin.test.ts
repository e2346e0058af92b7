/** The admin listener over real connections: what it answers, to whom, and how its errors read. */

import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bench, error, event, origin, stats } from './harness.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.open()
})
afterEach(() => bench[Symbol.asyncDispose]())

describe('probes', () => {
  test('health is 200 until the gateway can no longer work', async () => {
    expect((await bench.get('/health')).status).toBe(200)
    bench.alive = false
    expect((await bench.get('/health')).status).toBe(503)
    expect((await bench.get('/ready')).status).toBe(503)
  })

  test('ready names each check, and what is wrong with it', async () => {
    expect(await (await bench.get('/ready')).json()).toEqual({ ready: true, checks: bench.checks })
    bench.checks = [
      { name: 'journal', ok: true },
      { name: 'source orders', ok: false, detail: 'no broker' },
    ]
    const response = await bench.get('/ready')
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({ ready: false, checks: bench.checks })
  })

  test('metrics are text of the version that Prometheus reads', async () => {
    const response = await bench.get('/metrics')
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await response.text()).toBe('# HELP x y\n')
  })
})

describe('questions', () => {
  test('the configuration, and the numbers', async () => {
    expect(await (await bench.get('/admin/config')).text()).toBe('name: shop\n')
    expect(await (await bench.get('/admin/stats')).json()).toMatchObject({ journal: stats, functions: [] })
  })

  test.each(['c1', encodeURIComponent(event.id), event.id])('why, by callId or event id: %s', async (key) => {
    expect(await (await bench.get(`/admin/events/${key}`)).json()).toMatchObject({
      callId: 'c1',
      acceptedAt: '1970-01-01T00:00:01.000Z',
      origin,
      event: { id: event.id, region: 'eu', data: { amount: 3 } },
      deliveries: [
        {
          route: 'orders',
          status: 'done',
          attempts: 2,
          answer: { data_base64: '/w==' },
          settledAt: '1970-01-01T00:00:03.000Z',
        },
        { route: 'copy', status: 'due', due: '1970-01-01T00:00:09.000Z', error },
      ],
      verdicts: [{ route: 'orders', takes: true }],
    })
  })

  test('an event that is not held is told as such', async () => {
    const response = await bench.get('/admin/events/none')
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({
      status: 404,
      code: 'EVENT_UNKNOWN',
      detail: expect.stringContaining('"none"'),
    })
  })

  test('explain says what each route thinks of an event that never happened', async () => {
    const { data: _, extensions, ...attributes } = event
    const response = await bench.post(
      '/admin/explain?source=mqtt&address=a/b',
      attributes,
      'application/cloudevents+json',
    )
    expect(await response.json()).toEqual({
      origin: { source: 'mqtt', address: 'a/b' },
      verdicts: [{ route: 'orders', takes: true, saw: 'mqtt:a/b' }],
    })
    const wrong = await bench.post('/admin/explain', { specversion: '1.0' })
    expect([wrong.status, await wrong.json()]).toMatchObject([400, { code: 'EVENT_INVALID' }])
  })
})

describe('who may ask', () => {
  const ask = (path: string, method: string, headers: Record<string, string>, body = '') => {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const outgoing = request(`http://${bench.admin.address}${path}`, { method, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    outgoing.on('error', reject)
    outgoing.end(body)
    return promise
  }

  test('no page of another site, neither by its own name nor under ours', async () => {
    expect(await ask('/health', 'GET', { host: 'evil.example:9090' })).toBe(403)
    expect(await ask('/health', 'GET', { origin: 'http://evil.example' })).toBe(403)
    expect(
      await ask('/admin/dead-letters/drop', 'POST', { 'content-type': 'text/plain' }, '{"filter":{"route":"x"}}'),
    ).toBe(415)
    expect(bench.letters.taken).toEqual([])
  })

  test('everyone who reaches it by a name of this machine', async () => {
    const { port } = new URL(`http://${bench.admin.address}`)
    expect(await ask('/health', 'GET', { host: `localhost:${port}`, origin: `http://localhost:${port}` })).toBe(200)
    expect(await ask('/health', 'GET', { host: `127.0.0.1:${port}` })).toBe(200)
    expect(await ask('/health', 'GET', { host: `[::1]:${port}` })).toBe(200)
  })
})

test('what nobody answers is 404, what went wrong is 500 without its words', async () => {
  expect(await (await bench.get('/nothing')).json()).toMatchObject({
    code: 'NOT_FOUND',
    detail: 'nothing answers GET /nothing',
  })
  expect((await bench.post('/health', {})).status).toBe(404)
  bench.letters.deadLetters = () => {
    throw new Error('a secret of the disk')
  }
  const response = await bench.get('/admin/dead-letters')
  expect(response.status).toBe(500)
  expect(await response.text()).not.toContain('secret')
})

test('a port that is taken is named, with the key to change', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as AddressInfo
  await expect(Bench.open(`127.0.0.1:${port}`)).rejects.toMatchObject({
    code: 'ADDRESS_IN_USE',
    message: expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${port}.*admin\\.listen`)),
  })
  other.close()
})

test('the listener outlives the signal that bounded its start', async () => {
  const starting = new AbortController()
  await using own = await Bench.open('127.0.0.1:0', starting.signal)
  starting.abort()
  await new Promise((resolve) => setImmediate(resolve))
  expect((await own.get('/health')).status).toBe(200)
})
