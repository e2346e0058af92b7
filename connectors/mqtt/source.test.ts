/** What the source does with calls: reply topics, and envelopes that cannot be read. */

import { expect, test } from 'vitest'
import { memoryContext } from '#conformance'
import { type ClientPublish, type CloudEvent, GatewayError, type Ingress, type Publish } from '#connector'
import connector from './index.ts'

async function started(refused: () => GatewayError | undefined = () => undefined) {
  const published: Publish[] = []
  const emitted: CloudEvent[] = []
  let ingress: Ingress | undefined
  const broker = {
    intercept: (_filters: readonly string[], given: Ingress) => {
      ingress = given
      return () => {}
    },
    mayPublish: () => true,
    publish: async (message: Publish) => void published.push(message),
  }
  const spec = connector.source
  if (!spec) throw new Error('no source')
  const source = spec.create(spec.config.parse({ filters: ['service/+'] }), memoryContext({ broker }))
  await source.start(async (event) => {
    const error = refused()
    if (error) throw error
    emitted.push(event)
    return { callId: 'c', duplicate: false, routes: [] }
  }, AbortSignal.timeout(1_000))
  const send = (body: object | string, own: Partial<ClientPublish> = {}) => {
    const payload = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    const mayPublish = (topic: string) => topic !== 'secret'
    const base = { topic: 'service/f', payload, qos: 1, retain: false, clientId: 'c', protocol: 4, mayPublish } as const
    return ingress?.({ ...base, ...own })
  }
  return { published, emitted, send, source }
}

test.each(['$SYS/x', 'a/#', 'a/+', 'secret', ''])('refuses the reply topic "%s"', async (replyTo) => {
  const { send, emitted } = await started()
  const sent =
    replyTo === ''
      ? send('x', { protocol: 5, properties: { responseTopic: '' } })
      : send({ callId: 'c', replyTo, body: {} })
  await expect(sent).rejects.toMatchObject({ code: 'REPLY_TOPIC_REFUSED' })
  expect(emitted).toEqual([])
})

test('what is refused for now is held and offered again; at QoS 0, and for good, it is refused', async () => {
  const wait = new GatewayError('OVERLOADED', 'shop (route): accepting: the breaker is open', { retryAfterMs: 5 })
  const errors = [wait, wait]
  const { send, emitted } = await started(() => errors.shift())
  const call = { callId: 'c', replyTo: 'r/1', body: {} }
  await send(call)
  expect([errors.length, emitted.length]).toEqual([0, 1])
  errors.push(wait)
  await expect(send(call, { qos: 0 })).rejects.toMatchObject({ code: 'OVERLOADED' })
  errors.push(new GatewayError('EVENT_INVALID', 'no'))
  await expect(send(call)).rejects.toMatchObject({ code: 'EVENT_INVALID' })
})

test('a callId that is no level of a topic is refused', async () => {
  const { send, emitted } = await started()
  for (const callid of ['a/b', '+', '#', 'x'.repeat(256)])
    await expect(send({ specversion: '1.0', id: '1', source: '/s', type: 't', callid })).rejects.toMatchObject({
      code: 'EVENT_INVALID',
    })
  expect(emitted).toEqual([])
})

test('answers an envelope that cannot be read where it can, and refuses it where it cannot', async () => {
  const { send, published, emitted } = await started()
  await send({ callId: 'c9', replyTo: 'r/1', body: 7 })
  expect(published.map(({ topic }) => topic)).toEqual(['r/1'])
  expect(JSON.parse(Buffer.from(published[0]?.payload ?? []).toString())).toMatchObject({
    callId: 'c9',
    status: 'error',
    error: { type: 'ValidationError', code: 'EVENT_INVALID' },
  })
  await expect(send('not json')).rejects.toMatchObject({ code: 'EVENT_INVALID' })
  await expect(send({ callId: 'c', replyTo: 'secret', body: 7 })).rejects.toMatchObject({ code: 'EVENT_INVALID' })
  expect(emitted).toEqual([])
})
