/** POST /events: each mode, each refusal, and the webhook handshake. */

import { expect, test } from 'vitest'
import { GatewayError } from '#connector'
import { Face, problemOf } from './face.ts'

const BINARY = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' }
const structured = (more = '') => `{"specversion":"1.0","id":"1","source":"/s","type":"t"${more}}`
const STRUCTURED = { 'content-type': 'application/cloudevents+json' }
const text = (data: Uint8Array | undefined) => data && Buffer.from(data).toString()

test('binary: attributes from headers, percent-decoded; data are the bytes', async () => {
  await using face = await Face.open()
  const headers = {
    ...BINARY,
    'ce-subject': 'Z%C3%BCrich%20%22',
    'ce-ext1': 'x',
    'content-type': 'application/octet-stream',
  }
  const response = await face.post('/events', Uint8Array.of(0, 255, 10), headers)
  expect(response.status).toBe(202)
  expect(await response.json()).toEqual({ callId: 'c1', duplicate: false, routes: ['r'] })
  expect(response.headers.get('headgate-call-id')).toBe('c1')
  expect(face.gateway.emitted).toEqual([
    {
      event: {
        specversion: '1.0',
        id: '1',
        source: '/s',
        type: 't',
        subject: 'Zürich "',
        datacontenttype: 'application/octet-stream',
        extensions: { ext1: 'x' },
        data: Buffer.of(0, 255, 10),
      },
      offer: { address: 'POST /events' },
    },
  ])
})

test.each([
  'application/cloudevents+json',
  'application/cloudevents+json; charset=UTF-8',
  'application/cloudevents+json;charset=utf-8',
  'Application/CloudEvents+JSON',
])('structured as %s', async (type) => {
  await using face = await Face.open()
  const response = await face.post('/events', structured(',"data":{"n":1.0}'), { 'content-type': type })
  expect(response.status).toBe(202)
  expect(text(face.gateway.event.data)).toBe('{"n":1.0}')
})

test('batch: a receipt for each event, in order; an empty one is fine', async () => {
  await using face = await Face.open()
  face.gateway.accept = async (event) => ({ callId: event.id, duplicate: event.id === '2' })
  const headers = { 'content-type': 'application/cloudevents-batch+json; charset=utf-8' }
  const events = Array.from({ length: 20 }, (_, i) => structured().replace('"1"', `"${i}"`))
  const response = await face.post('/events', `[${events}]`, headers)
  expect(response.status).toBe(202)
  expect(await response.json()).toEqual(events.map((_, i) => ({ callId: `${i}`, duplicate: i === 2, routes: ['r'] })))
  expect(await (await face.post('/events', '[]', headers)).json()).toEqual([])
})

test('a batch with one bad event is refused whole, and says which', async () => {
  await using face = await Face.open()
  const body = `[${structured()},{"specversion":"1.0","id":"2","type":"t"}]`
  const response = await face.post('/events', body, { 'content-type': 'application/cloudevents-batch+json' })
  expect(response.status).toBe(400)
  expect((await problemOf(response)).detail).toMatch(/event 1: .*"source" is missing/)
  expect(face.gateway.emitted).toEqual([])
})

test('a batch that is accepted in part says so', async () => {
  await using face = await Face.open()
  face.gateway.accept = async ({ id }) => {
    if (id === '2')
      throw new GatewayError('JOURNAL_FULL', 'journal (lmdb): appending: no room', { retryAfterMs: 2_500 })
    return {}
  }
  const body = `[${structured()},${structured().replace('"1"', '"2"')}]`
  const response = await face.post('/events', body, { 'content-type': 'application/cloudevents-batch+json' })
  expect(response.status).toBe(503)
  expect(response.headers.get('retry-after')).toBe('3')
  expect((await problemOf(response)).detail).toContain('1 of 2 events')
})

test('traceparent becomes an extension, unless the event has one or it is not valid', async () => {
  await using face = await Face.open()
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await face.post('/events', '', { ...BINARY, traceparent, tracestate: 'a=b' })
  await face.post('/events', '', { ...BINARY, traceparent, 'ce-traceparent': 'own' })
  await face.post('/events', '', { ...BINARY, traceparent: '00-00000000000000000000000000000000-b7ad6b7169203331-01' })
  expect(face.gateway.emitted.map(({ event }) => event.extensions)).toEqual([
    { traceparent, tracestate: 'a=b' },
    { traceparent: 'own' },
    undefined,
  ])
})

const invalid: readonly (readonly [
  string,
  string | Uint8Array<ArrayBuffer>,
  Record<string, string>,
  number,
  RegExp,
])[] = [
  ['no event at all', '{}', { 'content-type': 'application/json' }, 415, /content-type is application\/json/],
  ['a format that is not read', '<e/>', { 'content-type': 'application/cloudevents+xml' }, 415, /cloudevents\+xml/],
  ['text that is not JSON', '{', STRUCTURED, 400, /not JSON: it ends too early|position/],
  ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), STRUCTURED, 400, /not UTF-8/],
  ['a bomb of depth', `{"data":${'['.repeat(100_000)}`, STRUCTURED, 400, /nested deeper/],
  ['an empty id', '', { ...BINARY, 'ce-id': '' }, 400, /"id" is empty/],
  ['a time that is none', '', { ...BINARY, 'ce-time': 'yesterday' }, 400, /"time" is "yesterday".*RFC 3339/],
  ['another version', '', { ...BINARY, 'ce-specversion': '0.3' }, 400, /only "1.0"/],
  ['a bad escape', '', { ...BINARY, 'ce-subject': '100%' }, 400, /"ce-subject".*write "%" as %25/],
  ['escapes that are not UTF-8', '', { ...BINARY, 'ce-subject': '%ff' }, 400, /not percent-encoded UTF-8/],
  ['an extension with a bad name', '', { ...BINARY, 'ce-a_b': '1' }, 400, /"a_b" cannot name an extension/],
  ['__proto__', '', { ...BINARY, 'ce-__proto__': '1' }, 400, /"__proto__" cannot name/],
  ['a content type in the wrong place', '', { ...BINARY, 'ce-datacontenttype': 'a/b' }, 400, /content-type carries it/],
  [
    'a content type that is none',
    'x',
    { ...BINARY, 'content-type': 'nonsense' },
    400,
    /"datacontenttype" is "nonsense"/,
  ],
  ['a reply topic of the broker', '', { ...BINARY, 'ce-replyto': '$SYS/x' }, 403, /replyto/],
  ['a reply topic with a wildcard', '', { ...BINARY, 'ce-replyto': 'a/%2B' }, 403, /replyto/],
  ['a reply topic that is too deep', '', { ...BINARY, 'ce-replyto': 'a/'.repeat(40) }, 403, /max_topic_levels/],
  ['a callId that is a wildcard', '', { ...BINARY, 'ce-callid': '+' }, 400, /callid/],
]
test.each(invalid)('refuses %s', async (_, body, headers, status, detail) => {
  await using face = await Face.open()
  const response = await face.post('/events', body, headers)
  const problem = await problemOf(response)
  expect(problem).toMatchObject({ status, detail: expect.stringMatching(detail) })
  expect(response.status).toBe(status)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(Object.keys(problem)).toEqual(expect.arrayContaining(['type', 'title', 'status', 'detail', 'code']))
  expect(face.gateway.emitted).toEqual([])
})

test('no credit is told before the body is read', async () => {
  await using face = await Face.open()
  face.gateway.refusal = new GatewayError('OVERLOADED', 'gateway: accepting: no room', { retryAfterMs: 7_000 })
  const socket = face.raw('POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n')
  const [answer] = (await new Promise<Buffer>((resolve) => socket.once('data', resolve))).toString().split('\r\n\r\n')
  expect(answer).toContain('429 Too Many Requests')
  expect(answer).toContain('retry-after: 7')
  socket.destroy()
})

test('what the journal refuses is not acknowledged; what is not known stays in the log', async () => {
  await using face = await Face.open()
  face.gateway.accept = () => Promise.reject(new Error('secret'))
  const response = await face.post('/events', '', BINARY)
  expect(response.status).toBe(500)
  expect(await response.text()).not.toContain('secret')
})

test('webhook handshake: consent is the header', async () => {
  await using face = await Face.open({ webhook: { origins: ['good.example.com'], rate: 120 } })
  const ask = (origin: string) =>
    face.fetch('/events', {
      method: 'OPTIONS',
      headers: { 'webhook-request-origin': origin, 'webhook-request-rate': '500' },
    })
  const yes = await ask('good.example.com')
  expect(yes.status).toBe(200)
  expect(yes.headers.get('webhook-allowed-origin')).toBe('good.example.com')
  expect(yes.headers.get('webhook-allowed-rate')).toBe('120')
  const no = await ask('bad.example.com')
  expect(no.status).toBe(403)
  expect(no.headers.get('webhook-allowed-origin')).toBeNull()
  const plain = await face.fetch('/events', { method: 'OPTIONS' })
  expect([plain.status, plain.headers.get('allow')]).toEqual([204, 'OPTIONS, POST'])
})

test('a method that is not offered names those that are', async () => {
  await using face = await Face.open()
  const response = await face.fetch('/events')
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
})
