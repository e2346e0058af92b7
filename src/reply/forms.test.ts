/** Replies in each form that a caller may ask for. */

import { describe, expect, test } from 'vitest'
import { type CloudEvent, parseJsonEvent } from '../event/index.ts'
import { formatReply } from './forms.ts'
import type { Reply } from './reply.ts'

const call = (extensions: Record<string, string> = {}): CloudEvent => ({
  specversion: '1.0',
  id: 'm1',
  source: '/s',
  type: 't',
  extensions,
})
const ok = (text: string, datacontenttype?: string): Reply => ({
  callId: 'c1',
  status: 'ok',
  data: Buffer.from(text),
  ...(datacontenttype === undefined ? {} : { datacontenttype }),
})
const failed: Reply = {
  callId: 'c1',
  status: 'error',
  error: { type: 'ValidationError', code: 'AMOUNT', message: 'amount is negative' },
}
const textOf = (payload: Uint8Array) => new TextDecoder().decode(payload)

describe('the topic', () => {
  test('is the one that the caller named, else the one of the callId', () => {
    expect(formatReply(ok('x'), call()).topic).toBe('replies/c1')
    expect(formatReply(ok('x'), call({ replyto: 'my/replies' })).topic).toBe('my/replies')
  })
})

test('the trace of the call goes out with its answer, in each form', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const trace = { traceparent, tracestate: 'a=b' }
  const answer = (replyform?: string) => formatReply(ok('x'), call({ ...trace, ...(replyform && { replyform }) }))
  for (const form of [undefined, 'envelope'])
    expect(answer(form).properties?.userProperties).toEqual(expect.arrayContaining(Object.entries(trace)))
  expect(parseJsonEvent(answer('event').payload).extensions).toMatchObject(trace)
  expect(JSON.stringify(formatReply(ok('x'), call()).properties)).not.toContain('trace')
})

test.each([
  ['an answer', ok('"x"', 'application/json')],
  ['an error', failed],
])('%s says in each form that an instance was made for it, and nothing when none was', (_, warm) => {
  const written = (reply: Reply, replyform: string) => formatReply(reply, call({ replyform }))
  const cold: Reply = { ...warm, cold: true }
  for (const form of ['mqtt5', 'envelope'])
    expect(written(cold, form).properties?.userProperties).toContainEqual(['cold', 'true'])
  expect(JSON.parse(textOf(written(cold, 'envelope').payload))).toMatchObject({ status: warm.status, cold: true })
  expect(parseJsonEvent(written(cold, 'event').payload).extensions).toMatchObject({ status: warm.status, cold: true })
  for (const form of ['mqtt5', 'envelope', 'event']) {
    const { payload, properties } = written(warm, form)
    expect(`${textOf(payload)} ${JSON.stringify(properties)}`).not.toContain('cold')
  }
})

describe('an envelope', () => {
  const envelope = (reply: Reply) =>
    JSON.parse(textOf(formatReply(reply, call({ replyform: 'envelope' })).payload)) as unknown

  test('holds JSON as JSON, byte for byte', () => {
    const reply = ok('{"n": 1.0, "big": 12345678901234567890}', 'application/json')
    const { payload } = formatReply(reply, call({ replyform: 'envelope' }))
    expect(textOf(payload)).toBe(
      '{"callId":"c1","messageId":"m1","status":"ok","body":{"n": 1.0, "big": 12345678901234567890}}',
    )
  })

  test('is valid whatever the bytes are: a byte order mark goes, what is no UTF-8 is replaced, names may be in any script', () => {
    expect(envelope(ok('\uFEFF{"a":1}', 'application/json'))).toMatchObject({ body: { a: 1 } })
    const broken: Reply = { callId: 'c1', status: 'ok', data: Buffer.from([0x22, 0xff, 0x22]) }
    expect(envelope(broken)).toMatchObject({ body: '\uFFFD' })
    expect(envelope({ ...ok('"日本"'), callId: 'ü/日' })).toMatchObject({ callId: 'ü/日', body: '日本' })
  })

  test.each([
    ['text as a string', ok('say "hi"', 'text/plain'), { body: 'say "hi"' }],
    ['what claims to be JSON and is not, as a string', ok('{oops', 'application/json'), { body: '{oops' }],
    ['bytes as base64', ok('\u0001\u0002', 'image/png'), { bodyBase64: 'AQI=' }],
    ['nothing as null', { callId: 'c1', status: 'ok' } as const, { body: null }],
  ])('holds %s', (_, reply, member) => {
    expect(envelope(reply)).toEqual({ callId: 'c1', messageId: 'm1', status: 'ok', ...member })
  })

  test('holds an error as type, code and message', () => {
    expect(envelope(failed)).toEqual({ callId: 'c1', messageId: 'm1', status: 'error', error: failed.error })
  })
})

describe('an MQTT 5 response', () => {
  const correlationdata = Buffer.from([0, 255, 7]).toString('base64')
  const asked = call({ replyform: 'mqtt5', replyto: 'my/replies', correlationdata })

  test('gives the Correlation Data back as it came, and the data as payload', () => {
    const { payload, properties } = formatReply(ok('hi', 'text/plain'), asked)
    expect(textOf(payload)).toBe('hi')
    expect(properties?.contentType).toBe('text/plain')
    expect([...(properties?.correlationData ?? [])]).toEqual([0, 255, 7])
    expect(properties?.userProperties).toEqual([
      ['callid', 'c1'],
      ['status', 'ok'],
    ])
  })

  test('says in user properties and in the payload what went wrong', () => {
    const { payload, properties } = formatReply(failed, asked)
    expect(properties?.userProperties).toContainEqual(['errorcode', 'AMOUNT'])
    expect(JSON.parse(textOf(payload))).toEqual({ error: failed.error })
  })
})

describe('an event', () => {
  test('is a CloudEvent that names the call and what it answers', () => {
    const message = formatReply(ok('{"a":1}', 'application/json'), call({ replyform: 'event' }))
    const event = parseJsonEvent(message.payload)
    expect(message.properties?.contentType).toBe('application/cloudevents+json')
    expect(event).toMatchObject({
      type: 'headgate.reply',
      datacontenttype: 'application/json',
      extensions: { callid: 'c1', status: 'ok', correlationid: 'm1' },
    })
    expect(textOf(event.data ?? new Uint8Array())).toBe('{"a":1}')
  })

  test('of an error has the error as its data', () => {
    const event = parseJsonEvent(formatReply(failed, call({ replyform: 'event' })).payload)
    expect(event.type).toBe('headgate.reply.error')
    expect(JSON.parse(textOf(event.data ?? new Uint8Array()))).toEqual(failed.error)
  })
})
