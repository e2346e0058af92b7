/** Envelopes at the edge of the schema: what is taken, and the words for what is not. */

import { expect, test } from 'vitest'
import type { ClientPublish } from '#connector'
import { readCall } from './envelope.ts'

const call = (payload: string | Uint8Array) => {
  const publish: ClientPublish = {
    topic: 'service/echo',
    payload: Buffer.from(payload as string),
    qos: 1,
    retain: false,
    clientId: 'c1',
    protocol: 4,
    identity: 'session/1',
    mayPublish: () => true,
  }
  return readCall(publish, 'echo')
}

const long = (length: number) => 'x'.repeat(length)

const refused: readonly (readonly [name: string, envelope: unknown, problem: string])[] = [
  ['no object', [], 'expected object'],
  ['no body', { callId: 'c' }, 'body: '],
  ['a body that is a list', { body: [] }, 'body: '],
  ['an empty messageId', { messageId: '', body: {} }, 'messageId: '],
  ['a messageId that is null', { messageId: null, body: {} }, 'messageId: '],
  ['a messageId of 256 characters', { messageId: long(256), body: {} }, 'messageId: '],
  ['a callId with a slash', { callId: 'a/b', body: {} }, 'callId: has a character'],
  ['a callId with a control character', { callId: 'a\u0085b', body: {} }, 'callId: has a character'],
  ['a callId of 256 characters', { callId: long(256), body: {} }, 'callId: '],
  ['an empty replyTo', { replyTo: '', body: {} }, 'replyTo: '],
  ['headers that are a list', { headers: [], body: {} }, 'headers: '],
  ['items that are no list', { body: { items: {} } }, 'body.items: '],
  ['items and parameters', { body: { items: [], parameters: null } }, 'has parameters and items; send either'],
  ['a batch with an empty name', { body: { items: [], batch_id: '' } }, 'body.batch_id: '],
  ['a function with a wildcard', { body: { function: 'a+b' } }, 'body.function: has a character'],
]

test.each(refused)('refused: %s', (_name, envelope, problem) => {
  const read = call(JSON.stringify(envelope))
  expect('problem' in read && read.problem.message).toContain(`reading the envelope: `)
  expect('problem' in read && read.problem.message).toContain(problem)
})

test('taken: the longest names, members that nobody knows, headers of any kind', () => {
  const envelope = {
    messageId: long(255),
    callId: long(255),
    replyTo: 'a/b/c',
    headers: { traceparent: 7, other: null },
    more: 1,
    body: { function: long(255), parameters: [1], more: 2 },
  }
  expect(call(JSON.stringify(envelope))).toEqual({
    specversion: '1.0',
    id: long(255),
    source: '/mqtt/c1',
    type: 'headgate.call',
    subject: 'echo',
    datacontenttype: 'application/json',
    extensions: { callid: long(255), replyto: 'a/b/c', replyform: 'envelope', function: long(255) },
    data: new TextEncoder().encode('[1]'),
  })
})

test('taken: a batch, whose name is that of the message when it has none', () => {
  const dataOf = (envelope: object) => {
    const read = call(JSON.stringify(envelope))
    return 'data' in read ? JSON.parse(Buffer.from(read.data ?? []).toString()) : read
  }
  const body = { function: 'f', items: [1, { a: 2 }], batch_id: 'b-1' }
  expect(dataOf({ messageId: 'm-1', body })).toEqual({ items: body.items, batch_id: 'b-1' })
  expect(dataOf({ messageId: 'm-1', body: { items: [] } })).toEqual({ items: [], batch_id: 'm-1' })
})

test('taken up to 128 levels, and any number of lists side by side', () => {
  const nested = (levels: number) => `{"body":{"parameters":${'['.repeat(levels)}${']'.repeat(levels)}}}`
  expect(call(nested(126))).toMatchObject({ type: 'headgate.call' })
  expect(call(nested(127))).toMatchObject({ problem: { message: expect.stringContaining('nested deeper than 128') } })
  expect(call(`{"body":{"parameters":[${'[],'.repeat(1_000)}0]}}`)).toMatchObject({ type: 'headgate.call' })
})

test.each([
  ['cut short', '{"body":{', 'it ends too early'],
  ['a byte order mark', '\u{feff}{"body":{}}', 'at byte 0'],
  ['no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'not UTF-8 text'],
])('not JSON: %s', (_name, payload, problem) => {
  expect(call(payload)).toMatchObject({ problem: { message: expect.stringContaining(problem) } })
})
