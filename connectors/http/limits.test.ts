/** Limits, broken requests, and an orderly stop: each over a bare socket. */

import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { memoryContext } from '#conformance'
import { httpConfig } from './config.ts'
import { Face, problemOf, received, until } from './face.ts'
import { freePort } from './harness.ts'
import { HttpSource } from './source.ts'

const EVENT = 'ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /s\r\nce-type: t\r\n'

test('a body that is announced too large, or comes too large, is 413', async () => {
  await using face = await Face.open({ body_limit: '1KiB' })
  const announced = await face.post('/events', 'x'.repeat(1_025), { 'ce-id': '1' })
  expect(announced.status).toBe(413)
  expect((await problemOf(announced)).detail).toContain('http.body_limit')
  expect(
    (
      await face.post('/events', 'x'.repeat(1_024), {
        'ce-id': '1',
        'ce-specversion': '1.0',
        'ce-source': '/',
        'ce-type': 't',
      })
    ).status,
  ).toBe(202)
  const chunk = `400\r\n${'x'.repeat(1_024)}\r\n`
  const socket = face.raw(
    `POST /events HTTP/1.1\r\nhost: x\r\n${EVENT}transfer-encoding: chunked\r\n\r\n${chunk}${chunk}`,
  )
  expect(await received(socket)).toContain('413 Payload Too Large')
})

test('a compressed body is 415: nothing is inflated, and nothing passed on that nobody could read', async () => {
  await using face = await Face.open()
  const headers = { 'ce-id': '1', 'ce-specversion': '1.0', 'ce-source': '/', 'ce-type': 't' }
  const refused = await face.post('/events', gzipSync('{}'), { ...headers, 'content-encoding': 'gzip' })
  expect([refused.status, refused.headers.get('accept-encoding')]).toEqual([415, 'identity'])
  expect((await problemOf(refused)).detail).toContain('content-encoding gzip is not read here')
  expect((await face.post('/events', '{}', { ...headers, 'content-encoding': 'Identity' })).status).toBe(202)
})

test('an endless body is cut off and held nowhere', async () => {
  await using face = await Face.open({ body_limit: '64KiB' })
  const socket = face.raw(`POST /events HTTP/1.1\r\nhost: x\r\n${EVENT}content-length: 268435456\r\n\r\n`)
  const block = Buffer.alloc(65_536)
  const pump = (): void => {
    while (!socket.destroyed && socket.write(block)) {}
  }
  socket.on('drain', pump)
  pump()
  expect(await received(socket)).toContain('413')
  expect(socket.bytesWritten).toBeLessThan(32 * 2 ** 20)
})

test('a head that does not end and a body that does not end are 408', async () => {
  await using face = await Face.open({ header_timeout: '100ms', body_timeout: '200ms' })
  const head = received(face.raw('POST /events HTTP/1.1\r\nhost: x\r\n'))
  const body = received(face.raw(`POST /events HTTP/1.1\r\nhost: x\r\n${EVENT}content-length: 10\r\n\r\nabc`))
  for (const answer of await Promise.all([head, body])) {
    expect(answer).toContain('408 Request Timeout')
    expect(answer).toContain('application/problem+json')
  }
  expect(face.gateway.emitted).toEqual([])
})

test('a caller that asks whether to send its body is told no before it does', async () => {
  await using face = await Face.open({ body_limit: '1KiB' })
  const ask = (length: number) =>
    face.raw(`POST /events HTTP/1.1\r\nhost: x\r\n${EVENT}expect: 100-continue\r\ncontent-length: ${length}\r\n\r\n`)
  expect(await received(ask(5_000))).toMatch(/^HTTP\/1.1 413 /)
  const socket = ask(2)
  const answered = received(socket)
  await new Promise((resolve) => socket.once('data', resolve))
  socket.write('{}')
  await until(() => face.gateway.emitted.length === 1, 'an emit')
  socket.end()
  expect(await answered).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 202 /)
})

test('five hundred heads that do not end hold up nobody, and are closed', async () => {
  await using face = await Face.open({ header_timeout: '500ms' })
  const slow = Array.from({ length: 500 }, () => received(face.raw('POST /events HTTP/1.1\r\nhost: x\r\n')))
  expect((await face.fetch('/health')).status).toBe(200)
  for (const answer of await Promise.all(slow)) {
    expect(answer).toContain('408 Request Timeout')
    expect(answer).toContain('a head may take 500 ms (http.header_timeout)')
  }
})

test('connections beyond the limit are closed, the others served', async () => {
  await using face = await Face.open({ max_connections: 2 })
  const open = [face.raw(''), face.raw('')]
  await Promise.all(open.map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
  expect(await received(face.raw('GET /health HTTP/1.1\r\nhost: x\r\n\r\n'))).toBe('')
  const [first] = open
  first?.write('GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  expect(first && (await received(first))).toContain('200 OK')
})

test('a head that is too large is 431', async () => {
  await using face = await Face.open({ header_limit: '2KiB' })
  const answer = await received(face.raw(`GET / HTTP/1.1\r\nhost: x\r\nlong: ${'x'.repeat(4_096)}\r\n\r\n`))
  expect(answer).toContain('HTTP/1.1 431')
  expect(answer).toContain('http.header_limit')
})

test.each([
  'nonsense\r\n\r\n',
  'GET / HTTP/1.1\r\nhost: x\r\nbad header: 1\r\n\r\n',
  'POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
])('%j is 400', async (request) => {
  await using face = await Face.open()
  const answer = await received(face.raw(request))
  expect(answer).toContain('HTTP/1.1 400 Bad Request')
  expect(answer).toContain('"code":"EVENT_INVALID"')
})

test('a body that is cut off is no event', async () => {
  await using face = await Face.open()
  const socket = face.raw(`POST /events HTTP/1.1\r\nhost: x\r\n${EVENT}content-length: 10\r\n\r\nabc`)
  socket.end()
  expect(await received(socket)).toContain('400 Bad Request')
  expect(face.gateway.emitted).toEqual([])
  expect((await face.fetch('/health')).status).toBe(200)
})

test('more requests than may wait their turn are 429', async () => {
  await using face = await Face.open({ max_queued: 2 })
  const gate = Promise.withResolvers<object>()
  face.gateway.accept = () => gate.promise
  const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' }
  // Eight run, as the context allows, two wait, one is too many.
  const all = Array.from({ length: 11 }, () => face.post('/events', '', headers))
  expect((await Promise.race(all)).status).toBe(429)
  gate.resolve({})
  expect((await Promise.all(all)).map(({ status }) => status).sort()).toEqual([...Array(10).fill(202), 429])
})

test('a taken port is an error that names it and the key to change', async () => {
  await using face = await Face.open()
  const second = new HttpSource(httpConfig.parse({ listen: face.source.address }), memoryContext({ name: 'http' }))
  await expect(second.start(face.gateway.emit, new AbortController().signal)).rejects.toMatchObject({
    code: 'ADDRESS_IN_USE',
    message: `http (http): listening on ${face.source.address}: another program listens there; stop that program, or change http.listen in the configuration`,
  })
  await second.stop()
})

test('stop answers callers that still wait, closes idle connections and frees the port', async () => {
  const port = await freePort()
  const face = await Face.open({ listen: `127.0.0.1:${port}` })
  expect((await face.fetch('/health')).status).toBe(200)
  const waiting = face.post('/x', '')
  await until(() => face.gateway.waiting.size === 1, 'a wait')
  const half = received(face.raw('POST /events HTTP/1.1\r\nhost: x\r\n'))
  const stopped = face.source.stop()
  expect((await waiting).status).toBe(503)
  await stopped
  await half
  await using next = await Face.open({ listen: `127.0.0.1:${port}` })
  expect((await next.fetch('/health')).status).toBe(200)
})

test('drain: who still waits when stopping has taken so long gets 503', async () => {
  const face = await Face.open({ drain: '300ms' })
  const waiting = face.post('/x', '')
  await until(() => face.gateway.waiting.size === 1, 'a wait')
  const began = performance.now()
  await face.source.stop()
  const took = performance.now() - began
  expect((await waiting).status).toBe(503)
  expect(took).toBeGreaterThan(250)
  expect(took).toBeLessThan(4_500)
})

test('keep_alive: an idle connection is closed after that time, as the answer says', async () => {
  await using face = await Face.open({ keep_alive: '1s' })
  const answer = await received(face.raw('GET /health HTTP/1.1\r\nhost: x\r\n\r\n'))
  expect(answer).toContain('200 OK')
  expect(answer.toLowerCase()).toContain('keep-alive: timeout=1\r\n')
})

test('a reply that comes during stop still goes out', async () => {
  const face = await Face.open({ drain: '10s' })
  const waiting = face.post('/x', '')
  await until(() => face.gateway.waiting.size === 1, 'a wait')
  const stopped = face.source.stop()
  for (const [callId, answer] of face.gateway.waiting) answer({ callId, status: 'ok' })
  const response = await waiting
  expect([response.status, response.headers.get('connection')]).toEqual([200, 'close'])
  await stopped
})
