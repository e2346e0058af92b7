/** Events as SQS messages: both modes, and what neither can carry. */

import { expect, test } from 'vitest'
import type { CloudEvent } from '#connector'
import { idempotencyKey, toMessage } from './message.ts'
import { normalize } from './normalize.ts'

const event: CloudEvent = {
  specversion: '1.0',
  id: '1',
  source: '/shop',
  type: 'order.created',
  subject: 'a/b',
  datacontenttype: 'application/json',
  data: Buffer.from('{ "n": 1.0 }'),
}
const read = (message: ReturnType<typeof toMessage>) =>
  normalize({ Body: message.MessageBody ?? '', MessageAttributes: message.MessageAttributes ?? {} }, 'arn')

test.each(['structured', 'binary'] as const)('%s: what is written reads as the same event', (mode) => {
  const { data, ...attributes } = read(toMessage(event, { mode, isFifo: false }))
  expect(attributes).toEqual({ ...event, data: undefined })
  expect(Buffer.from(data ?? []).toString()).toBe('{ "n": 1.0 }')
})

test('a standard queue gets no group; a FIFO queue gets one, and the key that SQS deduplicates by', () => {
  expect(toMessage(event, { mode: 'structured', isFifo: false }).MessageGroupId).toBeUndefined()
  const group = (one: CloudEvent, template?: string) =>
    toMessage(one, { mode: 'structured', isFifo: true, group: template }).MessageGroupId
  expect(group(event)).toBe('/shop')
  expect(group({ ...event, extensions: { partitionkey: 'ada' } })).toBe('ada')
  expect(group(event, '{subject}')).toBe('a/b')
  expect(group({ ...event, source: `/${'x'.repeat(200)}` })).toMatch(/^[\w-]{43}$/)
  expect(group({ ...event, extensions: { partitionkey: 'Grüße' } })).toMatch(/^[\w-]{43}$/)
  const { MessageDeduplicationId } = toMessage(event, { mode: 'binary', isFifo: true })
  expect(MessageDeduplicationId).toBe(idempotencyKey(event))
})

test.each([
  ['bytes that are no text', { data: Uint8Array.of(0xff) }, /not the text that an SQS body is/],
  ['a character that XML has not', { data: Buffer.from('\u0001') }, /not the text/],
  ['no data', { data: Buffer.of() }, /no data, and SQS takes no empty body/],
  ['too many', { extensions: { a: '1', b: '2', c: '3', d: '4', e: '5' } }, /more attributes than the ten/],
])('binary mode says why it cannot carry %s', (_, change, why) => {
  expect(() => toMessage({ ...event, ...change }, { mode: 'binary', isFifo: false })).toThrow(why)
  expect(() => toMessage({ ...event, ...change }, { mode: 'structured', isFifo: false })).not.toThrow()
})

test('a noncharacter in JSON data is written as an escape', () => {
  const { MessageBody = '' } = toMessage(
    { ...event, data: Buffer.from('{"a":"\uffff"}') },
    { mode: 'structured', isFifo: false },
  )
  expect(MessageBody).toContain('\\uffff')
  expect(MessageBody).not.toContain('\uffff')
})
