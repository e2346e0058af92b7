/** A repeated call gets the first answer and does not run again: by MQTT and HTTP, meanwhile, afterwards, and after a restart. */

import { expect, test } from 'vitest'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { sharedByTests } from '../../services/tries.ts'
import { Client, eventOf, HOSTILE, held, jsonOf, post, settled, unique } from './client.ts'

// One instance that counts its calls: a call that ran twice shows.
const config = `
functions:
  counted: { wasm: ${HOSTILE}, pool: { min: 1, max: 1 } }
  order-summary: FUNCTIONS/order-summary/order-summary.wasm
routes:
  counted: { from: ["mqtt:counted/+", "http:POST /counted"], to: counted, retry: 0 }
`
let gateway: GatewayProcess
sharedByTests(async () => {
  gateway = await startGateway({ config })
  return () => gateway[Symbol.asyncDispose]()
})

const structured = { properties: { contentType: 'application/cloudevents+json' } }
const postCounted = (type: string, key: string, more: Record<string, unknown> = {}) =>
  post(gateway.http, '/counted', eventOf(type, { id: key, ...more }), {
    'content-type': 'application/cloudevents+json',
    'idempotency-key': key,
  })

test('an envelope that comes again is answered again, with the first answer', async () => {
  await using client = await Client.connect(gateway, { version: 4 })
  const callId = unique('call')
  const topic = `replies/${callId}`
  await client.subscribe(topic)
  const call = (quantity: number) => ({
    callId,
    body: { parameters: { orderId: 1, items: [{ price: 2, quantity }] } },
  })
  await client.publish('service/order-summary', call(1))
  const first = jsonOf(await client.receive(topic))
  await client.publish('service/order-summary', call(7))
  const second = jsonOf(await client.receive(topic, { count: 2 }))
  expect(first).toMatchObject({ status: 'ok', body: { units: 1 } })
  expect(second['body']).toEqual(first['body'])
})

test('a callId that comes from elsewhere is answered where the second one asks for it', async () => {
  await using client = await Client.connect(gateway)
  const [callid, one, other] = [unique('call'), unique('one'), unique('other')]
  await client.subscribe(one)
  await client.subscribe(other)
  await client.publish('counted/1', eventOf('calls', { callid, replyto: one }), structured)
  const first = jsonOf(await client.receive(one))
  await client.publish('counted/1', eventOf('calls', { callid, replyto: other }), structured)
  const second = jsonOf(await client.receive(other))
  expect(first).toMatchObject({ callid, status: 'ok', data: expect.any(Number) })
  expect(second).toMatchObject({ callid, status: 'ok', data: first['data'] })
})

test('an error is repeated, too', async () => {
  await using client = await Client.connect(gateway)
  const [callid, replyto] = [unique('call'), unique('answers')]
  await client.subscribe(replyto)
  for (const count of [1, 2]) {
    await client.publish('counted/1', eventOf('reject', { callid, replyto }), structured)
    expect(jsonOf(await client.receive(replyto, { count }))).toMatchObject({
      status: 'error',
      data: { code: 'BAD_ORDER', type: 'ValidationError' },
    })
  }
})

test('one that comes while the first still runs waits for its answer', async () => {
  await using client = await Client.connect(gateway)
  const [callid, one, other] = [unique('call'), unique('one'), unique('other')]
  await client.subscribe(one)
  await client.subscribe(other)
  await client.publish('counted/1', eventOf('sleep', { subject: '800', callid, replyto: one }), structured)
  await client.publish('counted/1', eventOf('sleep', { subject: '800', callid, replyto: other }), structured)
  expect(jsonOf(await client.receive(one))).toMatchObject({ callid, status: 'ok' })
  expect(jsonOf(await client.receive(other))).toMatchObject({ callid, status: 'ok' })
  expect((await settled(gateway, callid)).deliveries).toMatchObject([{ status: 'done', attempts: 1 }])
})

test('an Idempotency-Key: the first answer at once, many times over', async () => {
  const key = unique('key')
  const first = await postCounted('calls', key)
  expect(first).toMatchObject({ status: 200, text: expect.stringMatching(/^\d+$/) })
  for (let round = 0; round < 20; round += 1) {
    const again = await postCounted('calls', key)
    expect([again.status, again.text], `round ${round}`).toEqual([200, first.text])
  }
})

test('an Idempotency-Key: those that come while the first runs get its answer', async () => {
  const key = unique('key')
  const answers = await Promise.all(Array.from({ length: 4 }, () => postCounted('sleep', key, { subject: '500' })))
  expect(answers.map(({ status, text }) => [status, text])).toEqual(Array(4).fill([200, 'slept']))
  const callIds = new Set(answers.map(({ headers }) => headers.get('headgate-call-id')))
  expect(callIds.size).toBe(1)
  expect((await held(gateway, [...callIds][0] ?? ''))?.deliveries).toMatchObject([{ attempts: 1 }])
})

test('both are known after a restart', async () => {
  const [key, callid, replyto] = [unique('key'), unique('call'), unique('answers')]
  const posted = await postCounted('calls', key)
  let published: Record<string, unknown>
  {
    await using client = await Client.connect(gateway)
    await client.subscribe(replyto)
    await client.publish('counted/1', eventOf('calls', { callid, replyto }), structured)
    published = jsonOf(await client.receive(replyto))
    await settled(gateway, callid)
    // The reply is out before the settle is on disk, and a crash between the two repeats the call. What is
    // acknowledged later has the settle on disk before it.
    await client.publish('counted/1', eventOf('calls'), structured)
  }
  await gateway.kill()
  await gateway.restart()
  // The instance counts from 1 again: had it run, the figure would be another one.
  const again = await postCounted('calls', key)
  expect([again.status, again.text]).toEqual([200, posted.text])
  await using client = await Client.connect(gateway)
  await client.subscribe(replyto)
  await client.publish('counted/1', eventOf('calls', { callid, replyto }), structured)
  expect(jsonOf(await client.receive(replyto))).toMatchObject({ callid, data: published['data'] })
})
