/** Requests of functions: what is dialled, and what a response may be. Nothing but the loopback is. */

import { createServer, type Server } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Caller, HostError, OutgoingHttp } from '../pool/host.ts'
import { Outgoing } from './outgoing.ts'

let server: Server
let port = 0
const seen: string[] = []
beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.host} ${request.headers['x-a'] ?? ''}`)
    if (request.url === '/moved') response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end('there')
    else if (request.url === '/large') response.end(Buffer.alloc(2_000))
    else if (request.url === '/never') return
    else if (request.url === '/endless') response.write('begun')
    else if (request.url === '/torn')
      response.writeHead(200, { 'content-length': '10' }).write('half', () => response.destroy())
    else request.pipe(response.writeHead(201, { 'x-b': ['1', '2'] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

/** Names lead to the loopback, whatever they are; each resolution is noted. */
const asked: string[] = []
const lookup: LookupFunction = (name, _options, callback) => {
  asked.push(name)
  if (name === 'nowhere.example') callback(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }), '')
  else callback(null, [{ address: name === 'inner.example' ? '10.0.0.1' : '127.0.0.1', family: 4 }])
}

const caller = (deadline = Date.now() + 10_000, signal = new AbortController().signal): Caller => ({
  function: 'f',
  callId: 'c',
  attempt: 1,
  event: { specversion: '1.0', id: 'e', source: '/s', type: 't' },
  deadline,
  signal,
  asked: 0,
})

const request = (path: string, rest: Partial<OutgoingHttp> = {}): OutgoingHttp => ({
  method: 'POST',
  scheme: 'http',
  host: 'api.example',
  port,
  path,
  headers: [
    ['x-a', 'b'],
    ['host', 'other.example'],
    ['content-length', '1'],
    ['connection', 'upgrade'],
  ],
  body: Buffer.from('hello'),
  private: true,
  responseBytes: 1_000,
  timeoutMs: 5_000,
  ...rest,
})

const failing = (sent: Promise<unknown>): Promise<HostError> =>
  sent.then(
    () => Promise.reject(new Error('it went through')),
    (error: HostError) => error,
  )

test('a request goes to the host that is allowed, with its headers but those that are the gateway’s', async () => {
  const outgoing = new Outgoing(lookup)
  const { status, headers, body } = await outgoing.send(request('/a?b=1'), caller())
  expect({ status, body: Buffer.from(body).toString() }).toEqual({ status: 201, body: 'hello' })
  expect(headers.filter(([name]) => name === 'x-b')).toEqual([
    ['x-b', '1'],
    ['x-b', '2'],
  ])
  expect(seen).toContain(`POST /a?b=1 api.example:${port} b`)
  const moved = await outgoing.send(request('/moved'), caller())
  expect([moved.status, Buffer.from(moved.body).toString()]).toEqual([302, 'there'])
  await outgoing.close()
})

test('an address that is not public is refused where the connection is made, unless its host may be at one', async () => {
  const outgoing = new Outgoing(lookup)
  for (const host of ['api.example', 'inner.example', '127.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1']) {
    const error = await failing(outgoing.send(request('/a', { host, private: false }), caller()))
    expect(error).toMatchObject({ kind: 'destination-IP-prohibited' })
    expect(error.message).toContain('write "private: true" beside its host')
  }
  // Its name is resolved once for each connection, and what it resolved to is what is dialled.
  expect(asked.filter((name) => name === 'inner.example')).toHaveLength(1)
  // One that is allowed for one host is not allowed for another.
  await outgoing.send(request('/a'), caller())
  expect(await failing(outgoing.send(request('/a', { host: 'b.example', private: false }), caller()))).toMatchObject({
    kind: 'destination-IP-prohibited',
  })
  await outgoing.close()
})

test('what goes wrong has the name that wasi:http has for it', async () => {
  const outgoing = new Outgoing(lookup)
  const kinds = async (path: string, rest?: Partial<OutgoingHttp>, by?: Caller) =>
    (await failing(outgoing.send(request(path, rest), by ?? caller()))).kind
  expect(await kinds('/large')).toBe('HTTP-response-body-size')
  expect(await kinds('/never', { timeoutMs: 50 })).toBe('HTTP-response-timeout')
  expect(await kinds('/endless', { timeoutMs: 50 })).toBe('HTTP-response-timeout')
  expect(await kinds('/never', {}, caller(Date.now() + 50))).toBe('HTTP-response-timeout')
  expect(await kinds('/torn')).toBe('connection-terminated')
  expect(await kinds('/a', { host: 'nowhere.example' })).toBe('destination-not-found')
  expect(await kinds('/a', { scheme: 'https' })).not.toBe('')
  const abort = new AbortController()
  const sent = outgoing.send(request('/never'), caller(undefined, abort.signal)).catch((error: unknown) => error)
  abort.abort(new Error('nobody waits'))
  expect(await sent).toMatchObject({ message: 'nobody waits' })
  await outgoing.close()
})
