/** The HTTP sink against a real server on the loopback: what it sends, dials, follows, reads, waits for and hides. */

import { isIP, type LookupFunction } from 'node:net'
import { expect, test } from 'vitest'
import { memoryContext } from '#conformance'
import { parseHttpEvent } from '#connector'
import { eventually } from '../../test/services/eventually.ts'
import type { Script } from '../../test/services/receiver.ts'
import { HttpSink } from './sink.ts'
import { httpSinkConfig } from './sink-config.ts'
import { event, never, open } from './sink-harness.ts'

test('an event arrives as it was, many on a connection', async () => {
  await using to = await open(undefined, { headers: { Authorization: 'Bearer t0ken' } })
  for (let at = 0; at < 8; at += 1) await to.deliver()
  // The client may open a second one before it has seen the end of the first answer.
  expect(to.receiver.connected).toBeLessThanOrEqual(2)
  const [first] = to.receiver.received
  expect(first).toMatchObject({ method: 'POST', path: '/in', headers: { authorization: 'Bearer t0ken' } })
  expect(first && parseHttpEvent(first.headers, new Uint8Array(first.body))).toEqual(event)
})

test('PUT, structured, to a path with a query', async () => {
  await using to = await open()
  const config = { url: `${to.receiver.url}/a%20b?k=v`, method: 'PUT', mode: 'structured', allow: ['127.0.0.0/8'] }
  const sink = new HttpSink(httpSinkConfig.parse(config), memoryContext())
  await sink.start(never)
  await sink.deliver(event, never)
  await sink.stop()
  expect(to.receiver.received).toMatchObject([{ method: 'PUT', path: '/in/a%20b?k=v' }])
})

test.each([
  [400, 'SINK_REJECTED'],
  [404, 'SINK_REJECTED'],
  [408, 'SINK_UNAVAILABLE'],
  [429, 'SINK_UNAVAILABLE'],
  [500, 'SINK_UNAVAILABLE'],
  [503, 'SINK_UNAVAILABLE'],
])('%i is %s, with what was said', async (status, code) => {
  await using to = await open(() => ({ status, headers: { 'retry-after': '3' }, body: 'not\r\n"now"\u0007' }))
  const error = await to.fails()
  expect(error).toMatchObject({ code, retryAfterMs: status === 429 || status === 503 ? 3_000 : undefined })
  expect(error.message).toBe(
    `billing (http): delivering to "http://127.0.0.1:${to.receiver.port}": answered ${status} "not 'now'"`,
  )
})

test('after a 410 nothing is sent any more, and the operator is told once', async () => {
  await using to = await open(() => ({ status: 410 }))
  expect(await to.fails()).toMatchObject({ code: 'SINK_GONE' })
  expect(await to.fails({ ...event, id: 'e2' })).toMatchObject({ code: 'SINK_GONE' })
  expect(to.receiver.received).toHaveLength(1)
  expect(to.log.lines).toMatchObject([{ level: 'error', message: expect.stringContaining('answered 410') }])
})

test('a sink that is resumed sends again', async () => {
  const answers = [410, 410, 204]
  await using to = await open((_, count) => ({ status: answers[count - 1] ?? 500 }))
  for (let n = 0; n < 2; n += 1) {
    await to.fails()
    to.sink.resume()
  }
  await to.deliver()
  expect(to.receiver.received).toHaveLength(3)
})

test('nobody listens: tried again, and it goes on by itself', async () => {
  await using to = await open()
  await to.receiver.close()
  const error = await to.fails()
  expect(error).toMatchObject({ code: 'SINK_UNAVAILABLE', type: 'SystemError' })
  expect(error.message).toContain('ECONNREFUSED')
  await to.receiver.listen()
  await to.deliver()
})

test.each(['cut', 'never'] as const)('a request whose answer is %s', async (reply) => {
  await using to = await open(() => reply, { timeout: '150ms' })
  const [type, why] = reply === 'never' ? ['TimeoutError', 'no answer within 150 ms'] : ['SystemError', 'no answer: ']
  const message = expect.stringContaining(why)
  expect(await to.fails()).toMatchObject({ code: 'SINK_UNAVAILABLE', type, message })
  await eventually(() => to.receiver.sockets.size === 0, { what: 'the connection is given up' })
})

test('a 2xx is one, though its body stays away, or has no end', async () => {
  await using to = await open((_, count) => (count === 1 ? 'half' : { status: 200, body: Buffer.alloc(4_000_000) }), {
    timeout: '150ms',
  })
  await to.deliver()
  await to.deliver()
  expect(to.receiver.received).toHaveLength(2)
})

test('max_retry_after: no answer asks for a longer wait', async () => {
  const reply = { status: 429, headers: { 'retry-after': '3600' } }
  await using to = await open(() => reply, { max_retry_after: '1m' })
  expect(await to.fails()).toMatchObject({ code: 'SINK_UNAVAILABLE', retryAfterMs: 60_000 })
})

test('max_connections: so many are open at once, however much is delivered', async () => {
  const gate = Promise.withResolvers<void>()
  const slow: Script = () => gate.promise.then(() => ({ status: 204 }))
  await using to = await open(slow, { max_connections: 2 })
  const all = Promise.all(Array.from({ length: 8 }, (_, at) => to.deliver({ ...event, id: `e${at}` })))
  await eventually(() => to.receiver.received.length === 2, { what: 'two are under way' })
  gate.resolve()
  await all
  expect(to.receiver.received).toHaveLength(8)
  expect(to.receiver.connected).toBe(2)
})

test('an abort ends it at once, and the connection with it', async () => {
  await using to = await open(() => 'never')
  const controller = new AbortController()
  const failed = to.fails(event, controller.signal)
  await eventually(() => to.receiver.received.length === 1, { what: 'it arrived' })
  controller.abort(new Error('enough'))
  expect(await failed).toMatchObject({ code: 'SINK_UNAVAILABLE', type: 'SystemError' })
  expect(await to.fails(event, controller.signal)).toMatchObject({ code: 'SINK_UNAVAILABLE' })
  expect(to.receiver.received).toHaveLength(1)
  await eventually(() => to.receiver.sockets.size === 0, { what: 'the connection is given up' })
})

test.each([307, 308])('%i on the same host keeps method and body', async (status) => {
  await using to = await open(({ path }) =>
    path === '/in' ? { status, headers: { location: '/other?x=1' } } : { status: 202 },
  )
  await to.deliver()
  expect(to.receiver.received).toMatchObject([
    { method: 'POST', path: '/in' },
    { method: 'POST', path: '/other?x=1', body: Buffer.from(event.data ?? '') },
  ])
})

test.each([
  [301, '/other', 'that redirect is not followed'],
  [302, '/other', 'that redirect is not followed'],
  [303, '/other', 'that redirect is not followed'],
  [307, 'https://127.0.0.1/in', 'another scheme, host or port'],
  [307, 'http://127.0.0.2:1/in', 'another scheme, host or port'],
  [308, '//localhost/in', 'another scheme, host or port'],
  [308, 'http://u:p@127.0.0.1:PORT/in', 'another scheme, host or port'],
  [308, 'http://[', 'does not say where to'],
])('%i to %s is refused', async (status, to, why) => {
  await using at = await open(() => ({
    status,
    headers: { location: to.replace('PORT', `${at.receiver.port}`) },
  }))
  const error = await at.fails()
  expect(error).toMatchObject({ code: 'SINK_REJECTED' })
  expect(error.message).toContain(why)
  expect(at.receiver.received).toHaveLength(1)
})

test.each([0, 2])('no more than %i redirects are followed', async (redirects) => {
  await using to = await open(() => ({ status: 307, headers: { location: '/in' } }), { redirects })
  expect((await to.fails()).message).toContain(`no more than ${redirects} redirects are followed`)
  expect(to.receiver.received).toHaveLength(redirects + 1)
})

const resolvesTo =
  (...addresses: string[]): LookupFunction =>
  (_host, _options, callback) => {
    const address = addresses.length > 1 ? (addresses.shift() ?? '') : (addresses[0] ?? '')
    callback(null, [{ address, family: isIP(address) }])
  }

test.each(['127.0.0.1', '::ffff:127.0.0.1', '::1'])('a public name that is at %s is not dialled', async (address) => {
  await using to = await open()
  const url = `http://hooks.example:${to.receiver.port}/in`
  await using public_ = await open(undefined, { url, allow: [] }, resolvesTo(address))
  const error = await public_.fails()
  expect(error).toMatchObject({ code: 'SINK_REJECTED', fingerprint: 'http address' })
  expect(error.message).toContain(`"hooks.example" is at ${address}, a loopback address`)
  expect(to.receiver.connected).toBe(0)
})

test('a name that was allowed to be where it was is looked at again for the next connection', async () => {
  await using decoy = await open()
  const lookup = resolvesTo('127.0.0.1', '127.0.0.2')
  const url = `http://hooks.example:${decoy.receiver.port}/in`
  await using to = await open(undefined, { url, allow: ['127.0.0.1/32'] }, lookup)
  await to.deliver()
  await decoy.receiver.close()
  await decoy.receiver.listen()
  expect(await to.fails()).toMatchObject({ code: 'SINK_REJECTED', fingerprint: 'http address' })
  expect(decoy.receiver.connected).toBe(1)
})

test('neither an answer that repeats what was sent nor a broken connection tells a secret', async () => {
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
  const headers = { Authorization: 'Bearer t0ken-of-billing', 'X-Key': 'k3y-of-billing' }
  await using to = await open(
    ({ headers: got, path }, count) =>
      count === 1
        ? { status: 400, body: `${path} ${got.authorization} ${got['x-key']} ${secret} t0ken-of-billing` }
        : 'cut',
    { headers, sign: { secret } },
  )
  const url = `${to.receiver.url}/h00k-of-billing?access_token=qu3ry`
  const sink = new HttpSink(
    httpSinkConfig.parse({ url, allow: ['127.0.0.1'], headers, sign: { secret } }),
    memoryContext(),
  )
  await sink.start(never)
  for (let at = 0; at < 2; at += 1) {
    const error = await sink.deliver(event, never).catch((thrown: unknown) => thrown)
    expect(String(error)).toContain(at === 0 ? '(hidden)' : 'no answer')
    expect(String(error)).not.toMatch(/t0ken|k3y-of|whsec|h00k|qu3ry/)
  }
  await sink.stop()
})

test('a header that HTTP cannot carry is the end of that event alone', async () => {
  await using to = await open()
  expect(await to.fails({ ...event, datacontenttype: 'text/plain\n' })).toMatchObject({ code: 'SINK_REJECTED' })
  await to.deliver()
})
