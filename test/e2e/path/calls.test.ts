/** Three ways to call and one way to answer, by MQTT 3.1.1 and 5, over TCP and WebSocket. */

import { describe, expect, test } from 'vitest'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { sharedByTests } from '../../services/tries.ts'
import { Client, eventOf, HOSTILE, jsonOf, unique } from './client.ts'

const config = `
functions:
  echo: FUNCTIONS/echo/echo.wasm
  order-summary: FUNCTIONS/order-summary/order-summary.wasm
  hostile: ${HOSTILE}
services:
  desk: { repeat: echo, summarise: order-summary }
routes:
  asked: { from: "mqtt:ask/+", to: echo, retry: 0 }
  hostile: { from: "mqtt:hostile/+", to: hostile, retry: 0 }
  slow: { from: "mqtt:slow/+", to: hostile, retry: 0, concurrency: 1 }
`
let gateway: GatewayProcess
sharedByTests(async () => {
  gateway = await startGateway({ config })
  return () => gateway[Symbol.asyncDispose]()
})

const ways = [
  ['3.1.1 over TCP', { version: 4, over: 'tcp' }],
  ['5 over TCP', { version: 5, over: 'tcp' }],
  ['3.1.1 over WebSocket', { version: 4, over: 'ws' }],
  ['5 over WebSocket', { version: 5, over: 'ws' }],
] as const

describe.each(ways)('MQTT %s', (_, way) => {
  test('the service envelope is answered on replyTo, with its callId', async () => {
    await using client = await Client.connect(gateway, way)
    const [callId, replyTo] = [unique('call'), unique('answers/to/me')]
    await client.subscribe(replyTo)
    const body = { function: 'echo', parameters: { text: 'grüße', list: [1, null] } }
    await client.publish('service/echo', { messageId: 'm-1', callId, replyTo, headers: {}, body })
    expect(jsonOf(await client.receive(replyTo))).toEqual({
      callId,
      messageId: 'm-1',
      status: 'ok',
      body: body.parameters,
    })
  })

  test('without replyTo it is answered on replies/<callId>', async () => {
    await using client = await Client.connect(gateway, way)
    const callId = unique('call')
    await client.subscribe(`replies/${callId}`)
    await client.publish('service/echo', { callId, body: { parameters: 'plain' } }, { qos: 2 })
    expect(jsonOf(await client.receive(`replies/${callId}`))).toMatchObject({ callId, status: 'ok', body: 'plain' })
  })

  test('body.function picks a function of a service', async () => {
    await using client = await Client.connect(gateway, way)
    const callId = unique('call')
    await client.subscribe(`replies/${callId}`)
    const parameters = { orderId: 7, items: [{ price: 1.5, quantity: 2 }] }
    await client.publish('service/desk', { callId, body: { function: 'summarise', parameters } })
    expect(jsonOf(await client.receive(`replies/${callId}`))).toMatchObject({
      status: 'ok',
      body: { orderId: 7, lines: 1, units: 2, totals: { EUR: 3 } },
    })
  })

  test('a CloudEvent with callid and replyto is answered with a CloudEvent', async () => {
    await using client = await Client.connect(gateway, way)
    const [callid, replyto] = [unique('call'), unique('answers')]
    await client.subscribe(replyto)
    const data = { celsius: 81.0 }
    const event = eventOf('question', { datacontenttype: 'application/json', data, callid, replyto })
    if (way.version === 4) await client.publish('ask/me', event)
    else {
      const { data: _, datacontenttype: __, ...attributes } = event
      const userProperties = attributes as Record<string, string>
      await client.publish('ask/me', data, { properties: { contentType: 'application/json', userProperties } })
    }
    const answer = jsonOf(await client.receive(replyto))
    expect(answer).toMatchObject({ specversion: '1.0', type: 'headgate.reply', callid, status: 'ok', data })
    expect(answer).toMatchObject({ correlationid: event['id'], datacontenttype: 'application/json' })
  })
})

describe('MQTT 5 request and response', () => {
  test.each(['ask/me', 'service/echo'])(
    '%s answers on the Response Topic, with the Correlation Data',
    async (topic) => {
      await using client = await Client.connect(gateway)
      const responseTopic = unique('inbox')
      await client.subscribe(responseTopic)
      const correlationData = Buffer.from('ticket 7')
      await client.publish(topic, '{"a":1.0}', {
        properties: { responseTopic, correlationData, contentType: 'application/json' },
      })
      const answer = await client.receive(responseTopic)
      expect(answer).toMatchObject({ text: '{"a":1.0}', correlation: 'ticket 7', contentType: 'application/json' })
      expect(answer.user).toMatchObject({ status: 'ok' })
    },
  )

  test('payloads that are no JSON come back as they are', async () => {
    await using client = await Client.connect(gateway)
    const responseTopic = unique('inbox')
    await client.subscribe(responseTopic)
    await client.publish('service/echo', 'neither {json', { properties: { responseTopic } })
    expect(await client.receive(responseTopic)).toMatchObject({ text: 'neither {json' })
  })

  test('at QoS 0 the call skips the journal and is answered all the same', async () => {
    await using client = await Client.connect(gateway)
    const responseTopic = unique('inbox')
    await client.subscribe(responseTopic)
    await client.publish('ask/me', 'fast', { qos: 0, properties: { responseTopic } })
    expect((await client.receive(responseTopic)).text).toBe('fast')
  })

  test('an error is JSON, and the user properties say so', async () => {
    await using client = await Client.connect(gateway)
    const responseTopic = unique('inbox')
    await client.subscribe(responseTopic)
    await client.publish('service/order-summary', '{"items":[]}', { properties: { responseTopic } })
    const answer = await client.receive(responseTopic)
    expect(answer.user).toMatchObject({ status: 'error', errortype: 'ValidationError', errorcode: 'ORDER_INVALID' })
    expect(jsonOf(answer)).toMatchObject({ error: { code: 'ORDER_INVALID', type: 'ValidationError' } })
  })
})
