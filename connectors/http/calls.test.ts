/** Calls: the reply as the answer, every way that there is none, and callers that do not wait. */

import { expect, test } from 'vitest'
import { GatewayError } from '#connector'
import { Face, problemOf, until } from './face.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const text = (data: Uint8Array | undefined) => data && Buffer.from(data).toString()
const hello = () => ({ status: 'ok' as const, data: Buffer.from('{"hi":1.0}'), datacontenttype: 'application/json' })

test('POST /call/<function> answers with the reply', async () => {
  await using face = await Face.open()
  face.gateway.reply = () => ({ ...hello(), httpStatus: 201 })
  const before = Date.now()
  const response = await face.post('/call/echo', '{"a": 1.0}', JSON_TYPE)
  expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
    201,
    'application/json',
    '{"hi":1.0}',
  ])
  const { event } = face.gateway
  expect(event).toMatchObject({
    type: 'headgate.call',
    source: '/http/http',
    subject: 'echo',
    ...{ specversion: '1.0' },
  })
  expect(text(event.data)).toBe('{"a": 1.0}')
  expect(event.extensions).toMatchObject({ callid: response.headers.get('headgate-call-id'), replyform: 'http' })
  const deadline = Date.parse(String(event.extensions?.['deadline']))
  expect(deadline).toBeGreaterThanOrEqual(before + 30_000)
  expect(deadline).toBeLessThanOrEqual(Date.now() + 30_000)
  expect(face.gateway.emitted[0]?.offer).toEqual({ address: 'POST /call/echo', direct: true })
})

test.each(['/call/desk/shout', '/call/desk%2Fshout', '/call/%64esk/%73hout'])(
  'POST %s calls a function of a service',
  async (path) => {
    await using face = await Face.open()
    face.gateway.reply = hello
    expect((await face.post(path, '{"a":1}', JSON_TYPE)).status).toBe(200)
    expect(face.gateway.emitted[0]?.offer).toEqual({ address: 'POST /call/desk/shout', direct: true })
    expect(face.gateway.event).toMatchObject({
      type: 'headgate.call',
      subject: 'desk',
      extensions: { function: 'shout', replyform: 'http' },
    })
  },
)

test('a CloudEvent goes to the function that the path names, whatever it says itself', async () => {
  await using face = await Face.open()
  face.gateway.reply = hello
  const headers = { 'ce-specversion': '1.0', 'ce-id': '7', 'ce-source': '/s', 'ce-type': 't', 'ce-function': 'other' }
  expect((await face.post('/call/desk/shout', 'x', headers)).status).toBe(200)
  expect(face.gateway.event).toMatchObject({ id: '7', type: 't', extensions: { function: 'shout' } })
})

test('a caller of a service that does not wait is told where the reply will be', async () => {
  await using face = await Face.open()
  const response = await face.post('/call/desk/shout', '{}', { ...JSON_TYPE, prefer: 'respond-async' })
  expect([response.status, response.headers.get('location')]).toEqual([
    202,
    `/calls/${face.gateway.event.extensions?.['callid']}`,
  ])
})

test('a call without parameters', async () => {
  await using face = await Face.open()
  face.gateway.reply = () => ({ status: 'ok' })
  expect((await face.post('/call/echo', '')).status).toBe(200)
  expect(face.gateway.emitted[0]?.event).not.toHaveProperty('data')
})

test.each<[string, string, Record<string, string>, number, RegExp]>([
  ['/call/ehco', '{}', JSON_TYPE, 404, /calling "ehco".*did you mean "echo"; known are echo, resize/],
  ['/call/resize@4', '{}', JSON_TYPE, 404, /calling "resize@4".*known are resize, resize@2$/],
  [
    '/call/desk/shot',
    '{}',
    JSON_TYPE,
    404,
    /calling "desk\/shot".*mean "desk\/shout"; known are desk\/shout, desk\/whisper$/,
  ],
  ['/call/desk', '{}', JSON_TYPE, 404, /calling "desk".*known are desk\/shout, desk\/whisper$/],
  [
    '/call/desk%2Fshout/more',
    '{}',
    JSON_TYPE,
    404,
    /calling "desk\/shout\/more".*known are desk\/shout, desk\/whisper$/,
  ],
  ['/call/desk/', '{}', JSON_TYPE, 400, /readable name/],
  ['/call/%ff', '{}', JSON_TYPE, 400, /readable name/],
  [
    '/call/echo',
    'a=1',
    { 'content-type': 'application/x-www-form-urlencoded' },
    415,
    /send "content-type: application\/json"/,
  ],
  ['/call/echo', '{"a":', JSON_TYPE, 400, /not JSON/],
  ['/call/echo', '['.repeat(10_000), JSON_TYPE, 400, /nested deeper/],
  ['/call/echo', '{}', { ...JSON_TYPE, 'idempotency-key': 'x'.repeat(256) }, 400, /idempotency-key/],
])('POST %s of %s is refused', async (path, body, headers, status, detail) => {
  await using face = await Face.open()
  const response = await face.post(path, body, headers)
  expect(response.status).toBe(status)
  expect((await problemOf(response)).detail).toMatch(detail)
  expect(face.gateway.emitted).toEqual([])
})

test('a route by method and path: the request becomes an event', async () => {
  await using face = await Face.open()
  face.gateway.reply = hello
  const response = await face.fetch('/api/v1/im%20ages/7?size=2&x=%20', {
    method: 'PUT',
    body: 'abc',
    headers: { 'content-type': 'text/plain' },
  })
  expect(response.status).toBe(200)
  expect(face.gateway.emitted[0]?.offer).toEqual({ address: 'PUT /api/v1/im%20ages/7', direct: true })
  expect(face.gateway.event).toMatchObject({
    type: 'headgate.http.request',
    source: '/http/http',
    subject: '/api/v1/im%20ages/7',
    datacontenttype: 'text/plain',
    extensions: { method: 'PUT', query: 'size=2&x=%20' },
  })
  expect(face.gateway.event.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  expect(Date.parse(String(face.gateway.event.time))).toBeGreaterThan(Date.now() - 60_000)
})

test('a request that is a CloudEvent passes through', async () => {
  await using face = await Face.open()
  face.gateway.reply = hello
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': 'e1',
    'ce-source': '/s',
    'ce-type': 'order.created',
    'ce-callid': 'm%C3%AFne%20',
  }
  const response = await face.post('/orders', 'x', { ...headers, 'content-type': 'text/plain' })
  expect(response.headers.get('headgate-call-id')).toBe('m%C3%AFne%20')
  expect(face.gateway.event).toMatchObject({
    id: 'e1',
    source: '/s',
    type: 'order.created',
    extensions: { callid: 'mïne ', replyform: 'http' },
  })
})

test('no route is 404, and says how to add one', async () => {
  await using face = await Face.open()
  face.gateway.accept = async () => ({ routes: [] })
  const response = await face.fetch('/nothing/here')
  expect(response.status).toBe(404)
  expect(await problemOf(response)).toMatchObject({
    code: 'NO_ROUTE',
    detail: expect.stringContaining('http:GET /nothing/here'),
  })
  expect(face.gateway.waiting.size).toBe(0)
})

test('an Idempotency-Key names the event, makes it durable, and keeps it from being cancelled', async () => {
  await using face = await Face.open()
  face.gateway.reply = hello
  face.gateway.accept = async () => ({ callId: 'first', duplicate: true })
  face.gateway.emit = ((emit) => async (event, offer) => {
    const receipt = await emit(event, offer)
    face.gateway.waiting.get(String(event.extensions?.['callid']))?.({ callId: 'first', ...hello() })
    return receipt
  })(face.gateway.emit)
  const response = await face.post('/x', '', { 'idempotency-key': '"k-1"' })
  expect(response.headers.get('headgate-call-id')).toBe('first')
  expect(face.gateway.event.id).toBe('k-1')
  expect(face.gateway.emitted[0]?.offer).toEqual({ address: 'POST /x', direct: false })
})

test.each([
  [{ type: 'ValidationError', code: 'bad_order', message: 'orders: no amount' }, 400, null],
  [{ type: 'BusinessLogicError', code: 'FUNCTION_REJECTED', message: 'm' }, 422, null],
  [{ type: 'SystemError', code: 'FUNCTION_TRAPPED', message: 'm' }, 500, null],
  [{ type: 'SystemError', code: 'OVERLOADED', message: 'm', retryAfterMs: 1_200 }, 429, '2'],
  [{ type: 'TimeoutError', code: 'FUNCTION_TIMED_OUT', message: 'm' }, 504, null],
] as const)('an error reply %j is %i', async (error, status, retryAfter) => {
  await using face = await Face.open()
  face.gateway.reply = () => ({ status: 'error', error })
  const response = await face.post('/call/echo', '')
  expect([response.status, response.headers.get('retry-after')]).toEqual([status, retryAfter])
  expect(response.headers.get('headgate-call-id')).not.toBeNull()
  expect(await problemOf(response)).toMatchObject({ code: error.code, detail: error.message, errortype: error.type })
})

test('a status that no answer can have is an error of the function', async () => {
  await using face = await Face.open()
  face.gateway.reply = () => ({ ...hello(), httpStatus: 42 })
  expect((await face.post('/call/echo', '')).status).toBe(500)
})

test('Prefer: respond-async answers 202 and where to read the reply', async () => {
  await using face = await Face.open()
  const response = await face.post('/x', '', { prefer: 'respond-async' })
  const { callId } = (await response.json()) as { callId: string }
  expect([response.status, response.headers.get('location')]).toEqual([202, `/calls/${callId}`])
  expect(face.gateway.emitted[0]?.offer).toEqual({ address: 'POST /x' })
  expect(face.gateway.event.extensions).toMatchObject({ callid: callId, replyform: 'http' })
  expect(face.gateway.event.extensions).not.toHaveProperty('deadline')
})

test('Prefer: wait=0 is 504 when there is no reply, and 202 with respond-async', async () => {
  await using face = await Face.open()
  const late = await face.post('/x', '', { prefer: 'wait=0' })
  expect(late.status).toBe(504)
  expect(await problemOf(late)).toMatchObject({ code: 'CALL_TIMED_OUT' })
  expect(late.headers.get('location')).toMatch(/^\/calls\//)
  expect((await face.post('/x', '', { prefer: 'respond-async, wait=0' })).status).toBe(202)
  expect(face.gateway.emitted[1]?.offer).toEqual({ address: 'POST /x', direct: false })
  expect(face.gateway.waiting.size).toBe(0)
})

test('wait and max_wait: how long a caller waits that does not say, and at most', async () => {
  await using face = await Face.open({ wait: '50ms', max_wait: '100ms' })
  expect(await problemOf(await face.post('/x', ''))).toMatchObject({
    code: 'CALL_TIMED_OUT',
    detail: expect.stringMatching(/ 50 ms/),
  })
  const long = await face.post('/x', '', { prefer: 'wait=600' })
  expect(await problemOf(long)).toMatchObject({ code: 'CALL_TIMED_OUT', detail: expect.stringMatching(/ 100 ms/) })
})

test('a caller that goes away is cancelled, also while its emit is under way', async () => {
  await using face = await Face.open()
  const gate = Promise.withResolvers<object>()
  face.gateway.accept = () => gate.promise
  const socket = face.raw('POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n')
  await until(() => face.gateway.emitted.length === 1, 'an emit')
  socket.destroy()
  await until(() => face.gateway.waiting.size === 0, 'the wait is forgotten')
  gate.resolve({})
  await until(() => face.gateway.cancelled.length === 1, 'a cancel')
  expect(face.gateway.cancelled).toEqual([face.gateway.event.extensions?.['callid']])
})

test('one that would come back with its key is not cancelled', async () => {
  await using face = await Face.open()
  const socket = face.raw('POST /x HTTP/1.1\r\nhost: x\r\nidempotency-key: k\r\ncontent-length: 0\r\n\r\n')
  await until(() => face.gateway.waiting.size === 1, 'a wait')
  socket.destroy()
  await until(() => face.gateway.waiting.size === 0, 'the wait is forgotten')
  expect(face.gateway.cancelled).toEqual([])
})

test('an emit that is refused is told, and nothing waits on', async () => {
  await using face = await Face.open()
  face.gateway.accept = () =>
    Promise.reject(new GatewayError('OVERLOADED', 'gateway: accepting: full', { retryAfterMs: 100 }))
  const response = await face.post('/call/echo', '')
  expect([response.status, response.headers.get('retry-after')]).toEqual([429, '1'])
  expect(face.gateway.waiting.size).toBe(0)
})
