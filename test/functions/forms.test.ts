/** The forms in which functions are called and answer: batches and outcomes, over MQTT and HTTP, by name and by a route. */

import { expect, test } from 'vitest'
import { Client, jsonOf, request, unique } from '../e2e/path/client.ts'
import { eventually } from '../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../services/gateway.ts'
import { sharedByTests } from '../services/tries.ts'
import { guest } from './open.ts'

const config = `
functions:
  outcomes@4: { wasm: ${guest('outcomes')}, output: outcome }
  plain: ${guest('outcomes')}
services:
  desk: { tally: outcomes }
routes:
  gathered: { from: "mqtt:items/+", to: outcomes, batch: { max: 3, wait: 30s }, retry: 0, dead_letter: "mqtt:items-dead" }
  retold: { from: "mqtt:retold/+", to: outcomes, batch: { max: 2, wait: 200ms }, retry: { max: 1, delay: 100ms } }
`
let gateway: GatewayProcess
sharedByTests(async () => {
  gateway = await startGateway({ config })
  return () => gateway[Symbol.asyncDispose]()
})

const post = (name: string, parameters: unknown) =>
  request(gateway.http, `/call/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(parameters),
  })

const measured = (items: number) => ({
  processing_time_ms: expect.any(Number),
  memory_used_bytes: 128 << 10,
  items_processed: items,
  function_version: '4',
})

test('over HTTP an outcome is the answer, with what was measured; without the option it stays as it is', async () => {
  const answer = { success: true, data: { total: 7 } }
  const { json, status } = await post('outcomes', { answer })
  expect(status).toBe(200)
  expect(json).toEqual({ ...answer, error: null, metadata: measured(1) })
  expect((await post('plain', { answer })).json).toEqual(answer)
  expect((await post('plain', { answer: { success: false } })).status).toBe(200)
})

test('over HTTP a failure has the status of its type and the code that the function gave it', async () => {
  const failed = (error: unknown) => post('outcomes', { answer: { success: false, error } })
  const message = 'no such size'
  const invalid = await failed({ type: 'ValidationError', code: 'SIZE', message })
  expect(invalid.status).toBe(400)
  expect(invalid.text).toContain('SIZE')
  expect(invalid.text).toContain(message)
  expect((await failed({ type: 'SystemError', message })).status).toBeGreaterThanOrEqual(500)
  const elsewhere = await post('outcomes', { answer: 'done' })
  expect(elsewhere.status).toBeGreaterThanOrEqual(500)
  expect(elsewhere.text).toContain('OUTPUT_INVALID')
})

const two = [{ answer: { success: true, data: 1 } }, { answer: { success: false, error: 'no' } }]

test('a batch may be called for by name: over HTTP, and over MQTT also by a name within a service', async () => {
  const data = [
    { success: true, data: 1 },
    { success: false, error: 'no' },
  ]
  const expected = (batch: unknown) => ({ success: true, data, error: null, metadata: { ...measured(2), batch } })
  expect((await post('outcomes', { items: two, batch_id: 'b-1' })).json).toEqual(expected('b-1'))
  await using client = await Client.connect(gateway)
  const ask = async (topic: string, body: object) => {
    const callId = unique('call')
    await client.subscribe(`replies/${callId}`)
    await client.publish(topic, { callId, messageId: callId, body })
    return jsonOf(await client.receive(`replies/${callId}`))
  }
  expect(await ask('service/outcomes', { items: two, batch_id: 'b-2' })).toMatchObject({ body: expected('b-2') })
  expect(await ask('service/desk', { function: 'tally', items: two })).toMatchObject({
    body: expected(expect.stringMatching(/^call-/)),
  })
  expect(await ask('service/outcomes', { items: 7 })).toMatchObject({
    status: 'error',
    error: { code: 'EVENT_INVALID' },
  })
})

const publishAs = async (client: Client, topic: string, answer: unknown): Promise<string> => {
  const responseTopic = unique('answers/mine')
  await client.subscribe(responseTopic)
  await client.publish(topic, { answer }, { properties: { responseTopic, contentType: 'application/json' } })
  return responseTopic
}

test('of the batch of a route each event is answered, or a dead letter, by its own outcome', async () => {
  await using client = await Client.connect(gateway)
  await client.subscribe('items-dead')
  const [first = '', second = '', third = ''] = [
    await publishAs(client, 'items/1', { success: true, data: 'one' }),
    await publishAs(client, 'items/2', {
      success: false,
      error: { type: 'ValidationError', code: 'BAD', message: 'no' },
    }),
    await publishAs(client, 'items/3', { success: true, data: 'three' }),
  ]
  expect(jsonOf(await client.receive(first))).toEqual({ success: true, data: 'one' })
  expect(jsonOf(await client.receive(third))).toEqual({ success: true, data: 'three' })
  expect((await client.receive(second)).user).toMatchObject({
    status: 'error',
    errorcode: 'BAD',
    errortype: 'ValidationError',
  })
  expect((await client.receive('items-dead')).text).toContain('BAD')
})

test('what of a batch may be tried again is tried again alone', async () => {
  await using client = await Client.connect(gateway)
  const done = await publishAs(client, 'retold/1', { success: true, data: 1 })
  const down = await publishAs(client, 'retold/2', { success: false, error: { code: 'DOWN', message: 'later' } })
  expect(jsonOf(await client.receive(done))).toEqual({ success: true, data: 1 })
  expect((await client.receive(down)).user).toMatchObject({ status: 'error' })
  expect(client.on(done)).toHaveLength(1)
  // The reply goes out before the delivery is settled.
  const attempts = await eventually(
    async () => {
      const { json } = await request(gateway.admin, '/admin/dead-letters?route=retold')
      const letters = json['items'] as readonly { readonly attempts: number }[]
      return letters.length > 0 ? letters.map((letter) => letter.attempts) : undefined
    },
    { what: 'the dead letter is listed' },
  )
  expect(new Set(attempts)).toEqual(new Set([2]))
})
