/** The request that an event becomes: both modes, the key, the signature of Standard Webhooks. */

import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { type CloudEvent, parseHttpEvent } from '#connector'
import { type HttpSinkConfig, httpSinkConfig } from './sink-config.ts'
import { idempotencyKey, signature, stationery, toRequest } from './sink-request.ts'

const config = (more: object = {}): HttpSinkConfig => httpSinkConfig.parse({ url: 'https://b.example/in', ...more })
const event: CloudEvent = {
  specversion: '1.0',
  id: 'é.1',
  source: '/shop',
  type: 'order.placed',
  subject: 'a "b" 100%',
  datacontenttype: 'application/json',
  extensions: { attempt: 3, urgent: true },
  data: new TextEncoder().encode('{ "n": 1 }'),
}
const request = (options: object = {}, given = event) =>
  toRequest(given, stationery(config(options)), 1_614_265_330_999)

test('binary: attributes as headers, data as they are', () => {
  const { body, headers } = request()
  expect(body).toBe(event.data)
  expect(headers).toEqual({
    'user-agent': 'headgate',
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-id': '%C3%A9.1',
    'ce-source': '/shop',
    'ce-type': 'order.placed',
    'ce-subject': 'a%20%22b%22%20100%25',
    'ce-attempt': '3',
    'ce-urgent': 'true',
    'idempotency-key': idempotencyKey(event),
  })
})

test('structured: the JSON format, with the types of extensions', () => {
  const { body, headers } = request({ mode: 'structured' })
  expect(headers['content-type']).toBe('application/cloudevents+json')
  expect(parseHttpEvent(headers, body)).toEqual(event)
})

test('own headers go with it, and one may say who sends', () => {
  const { headers } = request({ headers: { Authorization: 'Bearer t', 'User-Agent': 'shop' } })
  expect(headers).toMatchObject({ authorization: 'Bearer t', 'user-agent': 'shop' })
})

test('the key: of source and id, with no full stop', () => {
  expect(idempotencyKey(event)).toMatch(/^[\w-]{43}$/)
  expect(idempotencyKey({ ...event, type: 'other', data: Buffer.of() })).toBe(idempotencyKey(event))
  expect(idempotencyKey({ ...event, id: 'e2' })).not.toBe(idempotencyKey(event))
  expect(idempotencyKey({ ...event, source: '/other' })).not.toBe(idempotencyKey(event))
})

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

test('the signature is the one that the libraries of Standard Webhooks are tested with', () => {
  const { keys } = stationery(config({ sign: { secret: SECRET } }))
  const body = Buffer.from('{"test": 2432232314}')
  expect(signature(keys, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, body)).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

test('while a secret is replaced both sign, over the bytes that are sent', () => {
  const other = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  const data = Uint8Array.of(0xff, 0x00, 0xfe)
  const { headers } = request({ sign: { secret: [SECRET, other] } }, { ...event, data })
  const signed = Buffer.concat([Buffer.from(`${idempotencyKey(event)}.1614265330.`), data])
  const by = (secret: string) =>
    `v1,${createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
      .update(signed)
      .digest('base64')}`
  expect(headers).toMatchObject({
    'webhook-id': idempotencyKey(event),
    'webhook-signature': `${by(SECRET)} ${by(other)}`,
  })
})

test.each([
  [{ url: 'ftp://b.example' }, 'http'],
  [{ url: 'https://user:pass-word@b.example/' }, 'credentials go into headers'],
  [{ url: 'http://127.0.0.1:1/x' }, 'a loopback address; list it under allow'],
  [{ url: 'http://0x7f.1/x' }, 'a loopback address'],
  [{ url: 'http://[::ffff:10.0.0.1]/x' }, 'a private address'],
  [{ headers: { 'ce-id': 'x' } }, 'that the sink writes itself'],
  [{ headers: { 'a b': 'x' } }, 'not the name of a header'],
  [{ headers: { a: 'pass-word\r\nb: c' } }, 'printable ASCII'],
  [{ sign: { secret: 'pass-word' } }, '24 to 64 bytes'],
  [{ sign: { secret: `whsec_${Buffer.from('pass-word').toString('base64')}` } }, '24 to 64 bytes'],
  [{ allow: ['10.0.0.0/33'] }, 'no host, address or range'],
  [{ method: 'GET' }, 'PUT'],
])('%j is a mistake, told without what is secret', (more, why) => {
  const { error } = httpSinkConfig.safeParse({ url: 'https://b.example/in', ...more })
  expect(error?.message).toContain(why)
  expect(error?.message).not.toMatch(/pass-word|cGFzcy13b3Jk/)
})

test('an address that is not public is one to write down twice', () => {
  expect(config({ url: 'http://127.0.0.1:1/x', allow: ['127.0.0.1'] }).url).toBe('http://127.0.0.1:1/x')
})
