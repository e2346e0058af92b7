/** Transforms on a real gateway: over MQTT and HTTP, reloaded, and hostile. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { sharedByTests } from '../../services/tries.ts'
import { Client, eventOf, held, jsonOf, post, request, settled } from './client.ts'

const config = `
functions:
  echo: FUNCTIONS/echo/echo.wasm
routes:
  shaped:
    from: mqtt:orders/+
    to: mqtt:shaped/{subject}
    transform: '{ "subject": data.customer, "tier": "gold", "data": { "total": $sum(data.items.price) } }'
  plain: { from: "mqtt:orders/+", to: "mqtt:plain" }
  quotes:
    from: http:POST /quotes
    to: echo
    transform: '{ "data": { "total": $sum(data.prices) } }'
    reply_transform: '{ "quote": data.total, "asked": $event.data.prices }'
  kept:
    from: http:POST /kept
    to: echo
    delivery: durable
    reply_transform: '"got " & data.n'
  hangs:
    from: mqtt:hang
    to: mqtt:hung
    retry: { max: 1, delay: 1h, cap: 1h }
    transform: '{ "data": $match(data, /^(a+)+$/) }'
  bombs:
    from: mqtt:bomb
    to: mqtt:bombed
    retry: 0
    transform: '{ "data": $pad("x", data.width) }'
`
let gateway: GatewayProcess
sharedByTests(async () => {
  gateway = await startGateway({ config })
  return () => gateway[Symbol.asyncDispose]()
})

const CLOUDEVENT = { properties: { contentType: 'application/cloudevents+json' } }
const order = (data: unknown) => eventOf('order', { data })

test('each route delivers what it makes of an event, which stays as it came in', async () => {
  await using client = await Client.connect(gateway)
  for (const topic of ['shaped/+', 'plain']) await client.subscribe(topic)
  const event = order({ customer: 'ada', items: [{ price: 3 }, { price: 4 }] })
  await client.publish('orders/1', event, CLOUDEVENT)
  const shaped = await client.receive('shaped/ada')
  expect(jsonOf(shaped)).toEqual({ total: 7 })
  expect(shaped.user).toMatchObject({ id: event['id'], type: 'order', subject: 'ada', tier: 'gold' })
  expect(jsonOf(await client.receive('plain'))).toEqual(event['data'])
  await settled(gateway, `${event['id']}`)
  const { json } = await request(gateway.admin, `/admin/events/${event['id']}`)
  expect(json['event']).toMatchObject({ type: 'order', data: event['data'] })
  expect(json['event']).not.toHaveProperty('tier')
})

test('a caller gets the reply as it is made for it, directly and from the journal', async () => {
  expect((await post(gateway.http, '/quotes', { prices: [3, 4] })).text).toBe('{"quote":7,"asked":[3,4]}')
  expect((await post(gateway.http, '/kept', { n: 5 })).text).toBe('"got 5"')
  const refused = await post(gateway.http, '/quotes', { prices: ['x'] })
  expect(refused).toMatchObject({ status: 422 })
  expect(JSON.parse(refused.text)).toMatchObject({
    code: 'TRANSFORM_FAILED',
    detail: expect.stringContaining('argument 1 of function "sum" must be an array of "numbers"'),
  })
})

test('what hangs or takes all memory ends alone: it is tried again, or dead, and the rest goes on', async () => {
  await using client = await Client.connect(gateway)
  await client.subscribe('shaped/+')
  const [hang, bomb, good] = [
    order(`${'a'.repeat(40)}!`),
    order({ width: 400_000_000 }),
    order({ customer: 'bob', items: { price: 1 } }),
  ]
  await client.publish('hang', hang, CLOUDEVENT)
  await client.publish('bomb', bomb, CLOUDEVENT)
  await client.publish('orders/2', good, CLOUDEVENT)
  expect(jsonOf(await client.receive('shaped/bob'))).toEqual({ total: 1 })
  const fate = async (event: Record<string, unknown>) => (await held(gateway, `${event['id']}`))?.deliveries[0]
  await eventually(async () => (await fate(hang))?.attempts === 1, { what: 'the pattern was ended' })
  expect(await fate(hang)).toMatchObject({ status: 'due', error: { code: 'TRANSFORM_TIMED_OUT' } })
  await settled(gateway, `${bomb['id']}`)
  // Which of its bounds it comes to first, memory or time, depends on how busy the machine is.
  const code = expect.stringMatching(/^TRANSFORM_(FAILED|TIMED_OUT)$/)
  expect(await fate(bomb)).toMatchObject({ status: 'dead', error: { code } })
})

test('a reload puts another expression in its place; one that is none changes nothing', async () => {
  await using client = await Client.connect(gateway)
  await client.subscribe('shaped/+')
  const file = join(gateway.folder, 'headgate.yaml')
  const text = readFileSync(file, 'utf8')
  const total = async (name: string): Promise<unknown> => {
    await client.publish('orders/3', order({ customer: name, items: [{ price: 2 }, { price: 5 }] }), CLOUDEVENT)
    return jsonOf(await client.receive(`shaped/${name}`))['total']
  }
  writeFileSync(file, text.replace('$sum(data.items', '$max(data.items'))
  let turn = 0
  await eventually(async () => (await total(`max${turn++}`)) === 5, { what: 'the largest, not the sum' })
  writeFileSync(file, text.replace('$sum(data.items', '$sum((data.items'))
  await eventually(() => gateway.output().includes('this is no JSONata'), { what: 'the mistake is told' })
  expect(await total('still')).toBe(5)
  writeFileSync(file, text)
  await eventually(async () => (await total(`sum${turn++}`)) === 7, { what: 'the sum again' })
})
