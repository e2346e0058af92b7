/** Golden: a publish in, its event or the problem with it out. */

import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import type { ClientPublish, CloudEvent } from '#connector'
import { readCall } from './envelope.ts'
import { normalize, withExpiry } from './normalize.ts'

interface Fixture {
  readonly publish: Omit<ClientPublish, 'payload' | 'mayPublish' | 'properties'> & {
    readonly payload: string
    readonly properties?: Omit<NonNullable<ClientPublish['properties']>, 'correlationData'> & {
      readonly correlationData?: string
    }
  }
  readonly event?: Omit<CloudEvent, 'data'> & { readonly data?: string }
  readonly problem?: string
  readonly replyTo?: string
}

const files = globSync(join(import.meta.dirname, 'fixtures/*.json'))

const toPublish = ({ payload, properties, ...rest }: Fixture['publish']): ClientPublish => {
  const { correlationData, ...others } = properties ?? {}
  return {
    ...rest,
    payload: Buffer.from(payload),
    mayPublish: () => true,
    ...(properties && {
      properties: { ...others, ...(correlationData && { correlationData: Buffer.from(correlationData, 'base64') }) },
    }),
  }
}

const read = (publish: ClientPublish) =>
  publish.topic.startsWith('service/') ? readCall(publish, publish.topic.slice(8)) : normalize(publish)

test.each(files.map((file) => [basename(file), file]))('%s', (_, file) => {
  const fixture = JSON.parse(readFileSync(file, 'utf8')) as Fixture
  const publish = toPublish(fixture.publish)
  if (fixture.event) {
    const { data, ...attributes } = read(publish) as CloudEvent
    expect({ ...attributes, ...(data && { data: Buffer.from(data).toString() }) }).toEqual(fixture.event)
  } else if (publish.topic.startsWith('service/')) {
    const refused = readCall(publish, 'orders')
    expect(refused).toMatchObject({ problem: { code: 'EVENT_INVALID' } })
    expect('problem' in refused && refused.problem.message).toContain(fixture.problem)
    expect('problem' in refused && refused.replyTo).toBe(fixture.replyTo)
  } else expect(() => read(publish)).toThrow(fixture.problem)
})

test('bytes that are no text pass through, and a publish without an identity gets a new one each time', () => {
  const publish = { ...toPublish({ topic: 't', payload: '', clientId: 'c', protocol: 4, qos: 0, retain: false }) }
  const data = Uint8Array.from([0xff, 0, 0x80])
  const [a, b] = [normalize({ ...publish, payload: data }), normalize({ ...publish, payload: data })]
  expect(a.data).toEqual(data)
  expect(a.id).not.toBe(b.id)
})

test('the Message Expiry of a call is its deadline, unless it names one; what is no call has none', () => {
  const event: CloudEvent = { specversion: '1.0', id: '1', source: '/s', type: 't' }
  const call = { ...event, extensions: { replyto: 'answers' } }
  const early = { ...event, extensions: { callid: 'c', deadline: '1970-01-01T00:00:00.500Z' } }
  expect(withExpiry(call, { messageExpiry: 2 }, 1_000).extensions).toEqual({
    replyto: 'answers',
    deadline: '1970-01-01T00:00:03.000Z',
  })
  expect(withExpiry(call, { messageExpiry: 0xffff_ffff }, Date.now()).extensions?.['deadline']).toMatch(/^2\d{3}-/)
  expect(withExpiry(early, { messageExpiry: 2 }, 1_000)).toBe(early)
  expect(withExpiry(event, { messageExpiry: 2 }, 1_000)).toBe(event)
  expect(withExpiry(call, undefined, 1_000)).toBe(call)
})
