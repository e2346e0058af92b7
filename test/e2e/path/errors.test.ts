/** What a caller hears when its call cannot be made, is refused, traps, or comes too late: always an error that helps. */

import { describe, expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { sharedByTests } from '../../services/tries.ts'
import { Client, eventOf, HOSTILE, held, jsonOf, request, settled, unique } from './client.ts'

const config = `
functions:
  echo: FUNCTIONS/echo/echo.wasm
  order-summary: FUNCTIONS/order-summary/order-summary.wasm
  hostile: { wasm: ${HOSTILE}, call: false, timeout: 2s }
services:
  desk: { repeat: echo, summarise: order-summary }
routes:
  hostile: { from: "mqtt:hostile/+", to: hostile, retry: 0 }
  single: { from: "mqtt:single/+", to: hostile, retry: 5, concurrency: 1 }
`
const CLOUD_EVENT = { contentType: 'application/cloudevents+json' }
const TRAPPED = /^wasm_function_errors_total\{function="hostile",error_type="FUNCTION_TRAPPED"\} [1-9]/m
let gateway: GatewayProcess
sharedByTests(async () => {
  gateway = await startGateway({ config })
  return () => gateway[Symbol.asyncDispose]()
})

/** Publishes an envelope and resolves with the error that it is answered with. */
async function refused(topic: string, envelope: object, version: 4 | 5 = 4): Promise<Record<string, unknown>> {
  await using client = await Client.connect(gateway, { version })
  const [callId, replyTo] = [unique('call'), unique('answers')]
  await client.subscribe(replyTo)
  await client.publish(topic, { callId, replyTo, ...envelope })
  const answer = jsonOf(await client.receive(replyTo))
  expect(answer).toMatchObject({ callId, status: 'error' })
  expect(answer['body']).toBeUndefined()
  return answer['error'] as Record<string, unknown>
}

describe.each([4, 5] as const)('a call that cannot be made, MQTT version %i', (version) => {
  test('a service that is not there: the known are listed', async () => {
    const error = await refused('service/nope', { body: { parameters: {} } }, version)
    expect(error).toMatchObject({ type: 'ValidationError', code: 'FUNCTION_UNKNOWN' })
    for (const name of ['nope', 'echo', 'order-summary', 'desk']) expect(error['message']).toContain(name)
    expect(error['message']).not.toContain('hostile')
  })

  test('a function that a service does not have: the known are listed', async () => {
    const error = await refused('service/desk', { body: { function: 'shout', parameters: {} } }, version)
    expect(error).toMatchObject({ type: 'ValidationError', code: 'FUNCTION_UNKNOWN' })
    for (const name of ['shout', 'repeat', 'summarise']) expect(error['message']).toContain(name)
  })

  test('a service of several, and none is named', async () => {
    const error = await refused('service/desk', { body: { parameters: {} } }, version)
    expect(error).toMatchObject({ type: 'ValidationError' })
    for (const name of ['repeat', 'summarise']) expect(error['message']).toContain(name)
  })

  test('an envelope without a body, or with one that is none', async () => {
    expect(await refused('service/echo', {}, version)).toMatchObject({ type: 'ValidationError', code: 'EVENT_INVALID' })
    const error = await refused('service/echo', { body: { function: 7 } }, version)
    expect(error).toMatchObject({ type: 'ValidationError', code: 'EVENT_INVALID' })
    expect(error['message']).toContain('body.function')
  })
})

describe('a reply topic that is refused', () => {
  const topics = ['$SYS/broker', '$share/group/answers', 'answers/#', 'answers/+/x', '']
  test.each(topics)('%j is not published to, and the publish is not acknowledged as taken', async (replyTo) => {
    await using watcher = await Client.connect(gateway)
    await watcher.subscribe('#')
    await using client = await Client.connect(gateway, { version: 5 })
    const callId = unique('call')
    const outcome = await Promise.race([
      client.publish('service/echo', { callId, replyTo, body: { parameters: 1 } }).then(
        () => 'acknowledged',
        () => 'refused',
      ),
      new Promise((resolve) => client.mqtt.once('close', () => resolve('closed'))),
    ])
    expect(outcome).not.toBe('acknowledged')
    expect(await held(gateway, callId)).toBeUndefined()
    await using other = await Client.connect(gateway)
    await other.subscribe(`replies/${callId}-after`)
    await other.publish('service/echo', { callId: `${callId}-after`, body: { parameters: 1 } })
    await other.receive(`replies/${callId}-after`)
    expect(watcher.inbox.filter(({ text }) => text.includes(`"${callId}"`))).toEqual([])
  })
})

test('a reply topic that nobody can be told on is refused up front', async () => {
  await using client = await Client.connect(gateway)
  const callid = unique('call')
  const impossible = eventOf('calls', { callid, replyto: Array(40).fill('level').join('/') })
  const structured = { properties: { contentType: 'application/cloudevents+json' } }
  await expect(client.publish('single/1', impossible, structured)).rejects.toMatchObject({ code: 0x87 })
  expect(await held(gateway, callid)).toBeUndefined()
  expect((await request(gateway.admin, '/health')).status).toBe(200)
})

describe('a function that fails', () => {
  test('refuses: its own code, kind and words reach the caller', async () => {
    const error = await refused('service/order-summary', {
      body: { parameters: { orderId: 1, items: [{ price: -1 }] } },
    })
    expect(error).toMatchObject({ type: 'ValidationError', code: 'ORDER_INVALID' })
    expect(error['message']).toContain('items[0].price')
  })

  test('traps: the caller hears of it, and the next call runs', async () => {
    await using client = await Client.connect(gateway)
    const answers = unique('answers')
    await client.subscribe(answers)
    const call = (type: string) => eventOf(type, { callid: unique('call'), replyto: answers })
    const properties = { contentType: 'application/cloudevents+json' }
    await client.publish('hostile/1', call('trap'), { properties })
    expect(jsonOf(await client.receive(answers))).toMatchObject({
      type: 'headgate.reply.error',
      data: { type: 'SystemError', code: 'FUNCTION_TRAPPED' },
    })
    await client.publish('hostile/1', call('calls'), { properties })
    expect(jsonOf(await client.receive(answers, { count: 2 }))).toMatchObject({ type: 'headgate.reply', status: 'ok' })
  })

  test('never ends: it is ended at its timeout, and the caller hears of it', async () => {
    await using client = await Client.connect(gateway)
    const answers = unique('answers')
    await client.subscribe(answers)
    await client.publish('hostile/1', eventOf('loop', { callid: unique('call'), replyto: answers }), {
      properties: { contentType: 'application/cloudevents+json' },
    })
    expect(jsonOf(await client.receive(answers))).toMatchObject({
      data: { type: 'TimeoutError', code: 'FUNCTION_TIMED_OUT' },
    })
  })
})

describe('a deadline', () => {
  const inMs = (ms: number) => new Date(Date.now() + ms).toISOString()

  test('that has passed: TimeoutError, and the function does not run', async () => {
    await using client = await Client.connect(gateway, { version: 4 })
    const [callid, replyto] = [unique('call'), unique('answers')]
    await client.subscribe(replyto)
    await client.publish('hostile/1', eventOf('calls', { callid, replyto, deadline: inMs(-1_000) }))
    expect(jsonOf(await client.receive(replyto))).toMatchObject({
      data: { type: 'TimeoutError', code: 'CALL_TIMED_OUT' },
    })
    expect((await settled(gateway, callid)).deliveries).toMatchObject([
      { status: 'dead', error: { code: 'CALL_TIMED_OUT' } },
    ])
  })

  test('that passes while the work runs: TimeoutError, at about the deadline', async () => {
    await using client = await Client.connect(gateway, { version: 4 })
    const [callid, replyto] = [unique('call'), unique('answers')]
    await client.subscribe(replyto)
    const begun = performance.now()
    await client.publish('hostile/1', eventOf('loop', { callid, replyto, deadline: inMs(700) }))
    expect(jsonOf(await client.receive(replyto))).toMatchObject({ data: { type: 'TimeoutError' } })
    expect(performance.now() - begun).toBeLessThan(8_000)
  })

  test('that passes between two attempts ends the call without another one', async () => {
    await using client = await Client.connect(gateway, { version: 4 })
    const [callid, replyto] = [unique('call'), unique('answers')]
    await client.subscribe(replyto)
    const asked = eventOf('retry', { subject: '60000', callid, replyto, deadline: inMs(5_000) })
    await client.publish('hostile/1', asked)
    const answer = jsonOf(await client.receive(replyto))
    expect(answer).toMatchObject({
      type: 'headgate.reply.error',
      data: { message: expect.stringContaining('not yet') },
    })
    expect((await settled(gateway, callid)).deliveries).toMatchObject([{ status: 'dead', attempts: 1 }])
  })

  test('given as Message Expiry, while the work waits behind another: TimeoutError', async () => {
    await using client = await Client.connect(gateway)
    const properties = { contentType: 'application/cloudevents+json' }
    await client.publish('single/1', eventOf('spin', { subject: '1900' }), { properties })
    const [callid, replyto] = [unique('call'), unique('answers')]
    await client.subscribe(replyto)
    const waiting = eventOf('calls', { callid, replyto })
    await client.publish('single/1', waiting, { properties: { ...properties, messageExpiryInterval: 1 } })
    expect(jsonOf(await client.receive(replyto))).toMatchObject({ data: { type: 'TimeoutError' } })
  })
})

test('an error stands in the metrics, and the gateway is as ready as before', async () => {
  await using client = await Client.connect(gateway)
  const [callid, replyto] = [unique('call'), unique('answers')]
  await client.subscribe(replyto)
  await client.publish('hostile/1', eventOf('trap', { callid, replyto }), { properties: CLOUD_EVENT })
  expect(jsonOf(await client.receive(replyto))).toMatchObject({ data: { code: 'FUNCTION_TRAPPED' } })
  await eventually(async () => TRAPPED.test((await request(gateway.admin, '/metrics')).text), { what: 'it is counted' })
  const { json } = await eventually(
    async () => {
      const ready = await request(gateway.admin, '/ready')
      return ready.status === 200 ? ready : undefined
    },
    { what: 'it is ready' },
  )
  expect(json).toMatchObject({ ready: true })
})
