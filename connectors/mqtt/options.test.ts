/** Each option of the MQTT source and sink changes what is taken, or what is published. */

import { expect, test } from 'vitest'
import { MemoryBroker, memoryContext } from '#conformance'
import type { ClientPublish, CloudEvent, Offer, Publish } from '#connector'
import connector from './index.ts'

const never = new AbortController().signal

const event: CloudEvent = {
  specversion: '1.0',
  id: '1',
  source: '/s',
  type: 'high',
  subject: 'kitchen',
  datacontenttype: 'text/plain',
  data: Buffer.from('hot'),
}

async function published(options: object): Promise<Publish | undefined> {
  const broker = new MemoryBroker()
  const { sink: spec } = connector
  const sink = spec?.create(spec.config.parse({ topic: 'alarms/{subject}', ...options }), memoryContext({ broker }))
  await sink?.start(never)
  await sink?.deliver(event, never)
  return broker.published[0]
}

test.each([
  [{}, { topic: 'alarms/kitchen', qos: 1, retain: false, properties: { contentType: 'text/plain' } }],
  [{ topic: 'other' }, { topic: 'other' }],
  [{ qos: 2 }, { qos: 2 }],
  [{ retain: true }, { retain: true }],
  [{ mode: 'structured' }, { properties: { contentType: 'application/cloudevents+json' } }],
])('the sink with %j publishes %j', async (options, message) => {
  expect(await published(options)).toMatchObject(message)
})

async function taken(options: object, topic: string): Promise<readonly (readonly [CloudEvent, Offer | undefined])[]> {
  const broker = new MemoryBroker()
  const { source: spec } = connector
  const source = spec?.create(spec.config.parse(options), memoryContext({ broker }))
  const events: (readonly [CloudEvent, Offer | undefined])[] = []
  await source?.start(async (given, offer) => {
    events.push([given, offer])
    return { callId: 'c', duplicate: false, routes: [] }
  }, never)
  const payload = Buffer.from(JSON.stringify({ callId: 'c-1', replyTo: 'answers/1', body: { parameters: { a: 1 } } }))
  const publish: ClientPublish = {
    topic,
    payload,
    qos: 1,
    retain: false,
    clientId: 'c',
    protocol: 4,
    mayPublish: () => true,
  }
  await broker.receive(publish)
  return events
}

test('the source takes what its filters name', async () => {
  expect(await taken({ filters: ['a/+'] }, 'a/1')).toHaveLength(1)
  expect(await taken({ filters: ['a/+'] }, 'b/1')).toHaveLength(0)
})

test('a service is called under the prefix of the source', async () => {
  const type = async (options: object, topic: string) =>
    (await taken({ filters: ['#'], ...options }, topic))[0]?.[0].type
  const call = await type({}, 'service/f')
  expect(call).not.toBe('headgate.mqtt.publish')
  expect(await type({ service_prefix: 'rpc' }, 'rpc/f')).toBe(call)
  expect(await type({ service_prefix: 'rpc' }, 'service/f')).toBe('headgate.mqtt.publish')
})
