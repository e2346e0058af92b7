/** Every configuration in config/examples that needs no server runs, and does what it says with one event. */

import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, ROOT, startGateway } from '../../services/gateway.ts'
import { Receiver } from '../../services/receiver.ts'
import { Client, eventOf, held, jsonOf, post, request, settled, unique } from './client.ts'

const CLOUDEVENT = { properties: { contentType: 'application/cloudevents+json' } }

/** What is done with an example, once it runs; `folder` is what it takes files from. */
type Drive = (gateway: GatewayProcess, receiver: Receiver, folder: string) => Promise<void>

/** Each example. */
const DRIVEN: Readonly<Record<string, Drive>> = {
  'first-steps.yaml': async (gateway) => {
    await using client = await Client.connect(gateway)
    const responseTopic = unique('inbox')
    await client.subscribe(responseTopic)
    await client.publish('greetings/ada', 'hello', { properties: { responseTopic } })
    expect((await client.receive(responseTopic)).text).toBe('hello')
  },
  'request-reply.yaml': async (gateway) => {
    await using client = await Client.connect(gateway, { version: 4 })
    for (const name of ['repeat', 'respond']) {
      const callId = unique('call')
      await client.subscribe(`replies/${callId}`)
      await client.publish('service/desk', { callId, body: { function: name, parameters: name } })
      expect(jsonOf(await client.receive(`replies/${callId}`))).toMatchObject({ status: 'ok', body: name })
    }
    expect(await post(gateway.http, '/ask/why', '{"q":1}')).toMatchObject({ status: 200, text: '{"q":1}' })
    expect(await post(gateway.http, '/call/desk/repeat', '"ü"')).toMatchObject({ status: 200, text: '"ü"' })
    expect(await post(gateway.http, '/call/answer', {})).toMatchObject({ status: 404 })
  },
  'canary.yaml': async (gateway) => {
    await using client = await Client.connect(gateway)
    const properties = { contentType: 'application/cloudevents+json' }
    const chosen = new Map<string, string>()
    for (const subject of Array.from({ length: 60 }, (_, at) => `customer-${(at % 30) + 1}`)) {
      const event = eventOf('greeted', { subject })
      await client.publish(`customers/${subject}/greetings`, event, { properties })
      const [delivery, ...others] = (await settled(gateway, `${event['id']}`)).deliveries
      expect(others).toEqual([])
      expect(delivery).toMatchObject({ status: 'done', to: chosen.get(subject) ?? expect.any(String) })
      chosen.set(subject, `${delivery?.to}`)
    }
    expect([...new Set(chosen.values())].toSorted()).toEqual(['greeter@1', 'greeter@2'])
  },
  'chain.yaml': async (gateway) => {
    await using client = await Client.connect(gateway, { version: 4 })
    await client.subscribe('orders/progress')
    await client.publish('orders/new', { orderId: 1, items: [{ price: 1, quantity: 2 }] })
    const seen = jsonOf(await client.receive('orders/progress'))
    expect(seen).toMatchObject({ type: 'order.accepted', data: { units: 2 } })
    expect((await settled(gateway, `${seen['id']}`)).deliveries.map(({ route }) => route).toSorted()).toContain(
      'accepted',
    )
  },
  'dead-letter.yaml': async (gateway) => {
    await using client = await Client.connect(gateway)
    const event = eventOf('order.created')
    await client.publish('orders/1', event, { properties: { contentType: 'application/cloudevents+json' } })
    expect((await settled(gateway, `${event['id']}`)).deliveries).toMatchObject([{ route: 'orders', status: 'done' }])
  },
  'fallback.yaml': async (gateway, receiver) => {
    await using client = await Client.connect(gateway)
    receiver.script = () => ({ status: 503 })
    const order = eventOf('order.placed')
    const stray = eventOf('order.lost')
    await client.subscribe('unbilled/+')
    await client.subscribe('strange/+')
    for (const event of [order, stray]) await client.publish('orders/1', event, CLOUDEVENT)
    const { user } = await client.receive(`unbilled/${order['id']}`)
    expect(user).toMatchObject({ knativeerrordest: 'billing', knativeerrorcode: 'SINK_UNAVAILABLE' })
    const fallback = 'mqtt:unbilled/{id}'
    expect((await settled(gateway, `${order['id']}`)).deliveries).toMatchObject([{ status: 'done', fallback }])
    await client.receive(`strange/${stray['id']}`)
    expect((await settled(gateway, `${stray['id']}`)).deliveries).toMatchObject([{ route: 'others' }])
    expect((await post(gateway.http, '/quotes', '{"total":3}')).text).toBe('{"total":3}')
  },
  'filters.yaml': async (gateway) => {
    await using client = await Client.connect(gateway)
    const properties = { contentType: 'application/cloudevents+json' }
    const takers = async (type: string, more: Record<string, unknown>): Promise<string[]> => {
      const event = eventOf(type, more)
      await client.publish('shop/events', event, { properties })
      return (await settled(gateway, `${event['id']}`)).deliveries.map(({ route }) => route).toSorted()
    }
    const rush = { source: '/shop/eu/1', subject: 'Rush', priority: 3 }
    expect(await takers('order.created', rush)).toEqual(['orders', 'urgent'])
    expect(await takers('order.created', { ...rush, subject: 'a.draft', priority: 8 })).toEqual(['urgent'])
    expect(await takers('order.created', { source: '/shop/uk', subject: 'rush' })).toEqual(['orders'])
  },
  'ordered.yaml': async (gateway) => {
    await using client = await Client.connect(gateway)
    const event = eventOf('changed', { data: { account: 'a' } })
    const properties = { contentType: 'application/cloudevents+json' }
    await client.publish('accounts/a/changes', event, { properties })
    expect((await settled(gateway, `${event['id']}`)).deliveries).toMatchObject([{ route: 'accounts', status: 'done' }])
  },
  'batch.yaml': async (gateway) => {
    await using client = await Client.connect(gateway)
    await client.subscribe('readings/batches')
    const events = ['1', '2', '3'].map((subject) => eventOf('reading', { subject }))
    for (const event of events) await client.publish('meters/7/reading', event, CLOUDEVENT)
    const subjects = () =>
      client
        .on('readings/batches')
        .flatMap(({ text }) => (JSON.parse(text) as { subject: string }[]).map((one) => one.subject))
    await eventually(() => subjects().length === 3, { what: 'all readings came in batches' })
    expect(subjects()).toEqual(['1', '2', '3'])
  },
  'policies.yaml': async (gateway) => {
    await using client = await Client.connect(gateway)
    const reading = eventOf('reading', { data: { celsius: 21 } })
    await client.publish('edge/7/reading', reading, CLOUDEVENT)
    expect((await settled(gateway, `${reading['id']}`)).deliveries).toMatchObject([{ route: 'readings', to: 'echo' }])
  },
  'limits.yaml': async (gateway) => {
    await using client = await Client.connect(gateway)
    const events = Array.from({ length: 11 }, () => eventOf('mail', { data: { customer: 'ada' } }))
    const other = eventOf('mail', { data: { customer: 'bob' } })
    for (const event of [...events, other]) await client.publish('customers/x/mails', event, CLOUDEVENT)
    for (const event of [...events.slice(0, 10), other]) await settled(gateway, `${event['id']}`)
    // The eleventh of one customer waits for the minute to be over.
    const late = events[10]
    expect((await held(gateway, `${late?.['id']}`))?.deliveries).toMatchObject([{ status: 'due', attempts: 0 }])
  },
  'timing.yaml': async (gateway) => {
    await using client = await Client.connect(gateway)
    for (const topic of ['index/a', 'receipts/send', 'reminders/send']) await client.subscribe(topic)
    const send = async (topic: string, data: object) => {
      const event = eventOf('t', { subject: 'a', data })
      await client.publish(topic, event, CLOUDEVENT)
      return `${event['id']}`
    }
    const saved = [await send('documents/a/saved', { v: 1 }), await send('documents/a/saved', { v: 2 })]
    const paid = [await send('orders/paid', { order: 1 }), await send('orders/paid', { order: 1 })]
    await send('carts/left', { cart: 9 })
    for (const id of [...saved, ...paid]) await settled(gateway, id)
    expect(jsonOf(await client.receive('index/a'))).toEqual({ v: 2 })
    expect(jsonOf(await client.receive('reminders/send'))).toEqual({ cart: 9 })
    expect([client.on('index/a').length, client.on('receipts/send').length]).toEqual([1, 1])
  },
  'cron.yaml': async (gateway) => {
    // Its next tick is hours away: that both schedules run is what the log of the start says by not complaining.
    expect(gateway.output()).toMatch(/report +from nightly, workdays/)
    expect((await post(gateway.http, '/call/echo', '{"a":1}')).text).toBe('{"a":1}')
  },
  'fan-out.yaml': async (gateway, receiver) => {
    await using client = await Client.connect(gateway)
    receiver.script = () => ({ status: 503 })
    await client.subscribe('orders/log')
    await client.subscribe('orders/large')
    const order = eventOf('order.placed', { data: { orderId: 7, total: 1_001, items: [{ price: 2, quantity: 3 }] } })
    await client.publish('orders/placed', order, CLOUDEVENT)
    for (const topic of ['orders/log', 'orders/large']) await client.receive(topic)
    const { deliveries } = await settled(gateway, `${order['id']}`)
    expect(deliveries).toMatchObject([
      { to: 'order-summary', status: 'done', attempts: 1 },
      { to: 'billing', status: 'dead', attempts: 3 },
      { to: 'mqtt:orders/log', status: 'done', attempts: 1 },
      { route: 'large', status: 'done' },
    ])
  },
  'webhook-in.yaml': async (gateway) => {
    await using client = await Client.connect(gateway)
    await client.subscribe('hooks/new')
    const paid = { id: 'p1', amount: 3 }
    expect(await post(gateway.http, '/hooks/payments', paid)).toMatchObject({ status: 200, json: paid })
    // A second time, with another callId: it is taken, and nothing runs.
    expect((await post(gateway.http, '/hooks/payments', paid)).status).toBeLessThan(300)
    const runs = /headgate_deliveries_total\{[^}]*route="payments",outcome="done"[^}]*\} 1\n/
    expect((await request(gateway.admin, '/metrics')).text).toMatch(runs)
    expect((await post(gateway.http, '/hooks/by/shop', { event: 'opened' })).status).toBe(200)
    expect(jsonOf(await client.receive('hooks/new'))).toEqual({ event: 'opened' })
  },
  'manifests.yaml': async (gateway, _, folder) => {
    const order = { orderId: 7, items: [{ price: 2, quantity: 3 }] }
    expect(await post(gateway.http, '/orders', order)).toMatchObject({ status: 200, json: { orderId: 7, units: 3 } })
    writeFileSync(join(folder, 'left-out.txt'), 'no order')
    writeFileSync(join(folder, '8.json'), JSON.stringify(order))
    const runs = /headgate_deliveries_total\{[^}]*route="uploads",outcome="done"[^}]*\} 1\n/
    const metrics = async () => (await request(gateway.admin, '/metrics')).text
    await eventually(async () => runs.test(await metrics()), { what: 'the file was told of' })
    expect(gateway.output()).toMatch(/nightly +from nightly/)
  },
  'transform.yaml': async (gateway) => {
    await using client = await Client.connect(gateway)
    for (const topic of ['readings/+', 'quotes/names']) await client.subscribe(topic)
    await client.publish('sensors/7/fahrenheit', { sensor: 'roof', fahrenheit: 77 })
    expect(jsonOf(await client.receive('readings/roof'))).toEqual({ celsius: 25 })
    const asked = { customer: 'ada', items: [{ price: 3, quantity: 2 }] }
    expect(JSON.parse((await post(gateway.http, '/quotes', asked)).text)).toEqual({
      quote: 6,
      for: 'ada',
      text: '1 lines, 6 in all',
    })
    expect(jsonOf(await client.receive('quotes/names'))).toEqual({ name: 'ada' })
  },
  'webhook-out.yaml': async (gateway, receiver) => {
    await using client = await Client.connect(gateway)
    receiver.script = ({ path }, count) => ({ status: path === '/hooks/unbilled' ? 200 : count === 1 ? 503 : 422 })
    const event = eventOf('order.placed', { data: { total: 7 } })
    await client.publish('orders/1', event, { properties: { contentType: 'application/cloudevents+json' } })
    const id = `${event['id']}`
    expect((await settled(gateway, id)).deliveries).toMatchObject([{ to: 'billing', status: 'dead', attempts: 2 }])
    const copied = () => receiver.received.length === 3
    await eventually(copied, { what: 'two attempts, and the copy of the dead letter' })
    const [first, second, copy] = receiver.received
    expect(first).toMatchObject({
      path: '/hooks/orders',
      headers: { 'ce-id': id, authorization: 'Bearer example-token', 'webhook-id': second?.headers['webhook-id'] },
    })
    expect(JSON.parse(`${copy?.body}`)).toMatchObject({ id, deadletterroute: 'orders', data: { total: 7 } })
  },
}

/** An example that needs a server is driven beside its connector, or with those of other connectors beside this file. */
const isElsewhere = (file: string) => {
  const name = basename(file, '.yaml')
  const driven = [`connectors/${name}/example.server.test.ts`, `test/e2e/path/${name}.server.test.ts`]
  return driven.some((path) => existsSync(join(ROOT, path)))
}

const files = globSync(join(ROOT, 'config/examples/*.yaml'))
  .filter((file) => !isElsewhere(file) && !file.endsWith('.test.yaml'))
  .toSorted()

describe('config/examples', () => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-examples-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('each example is driven here', () => {
    expect(Object.keys(DRIVEN).toSorted()).toEqual(files.map((file) => basename(file)))
  })

  test.each(files.map((file) => [basename(file), file]))('%s', async (name, file) => {
    await using receiver = await Receiver.open()
    const text = readFileSync(file, 'utf8')
      .replaceAll('../../functions', 'FUNCTIONS')
      .replaceAll('127.0.0.1:9099', `127.0.0.1:${receiver.port}`)
      .replaceAll('directory: ./uploads', `directory: ${folder}`)
    await using gateway = await startGateway({ config: text })
    await DRIVEN[name]?.(gateway, receiver, folder)
  })
})
