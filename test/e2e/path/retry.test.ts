/** Retries on the journal's timer, order per key, concurrency, and what functions emit. */

import { describe, expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { sharedByTests } from '../../services/tries.ts'
import { Client, eventOf, HOSTILE, held, jsonOf, post, request, settled, unique } from './client.ts'

const config = `
functions:
  hostile: { wasm: ${HOSTILE}, pool: { min: 2, max: 4 } }
  order-summary: FUNCTIONS/order-summary/order-summary.wasm
  echo: FUNCTIONS/echo/echo.wasm
routes:
  slowly: { from: "mqtt:slowly/+", to: hostile, retry: { max: 5, delay: 3s, backoff: constant, jitter: none } }
  ordered:
    from: "mqtt:accounts/+"
    to: hostile
    order_by: account
    concurrency: 8
    retry: { max: 2, delay: 50ms, jitter: none }
  after-ordered: { from: "function:hostile", to: "mqtt:emitted/{id}" }
  narrow: { from: "mqtt:narrow/+", to: hostile, concurrency: 2, retry: 0 }
  orders: { from: ["mqtt:orders/new", "http:POST /orders"], to: order-summary }
  accepted: { from: "function:order-summary", when: type == "order.accepted" && data.units > 1, to: [echo, "mqtt:orders/accepted"] }
`
let gateway: GatewayProcess
sharedByTests(async () => {
  gateway = await startGateway({ config })
  return () => gateway[Symbol.asyncDispose]()
})

const CLOUDEVENT = { properties: { contentType: 'application/cloudevents+json' } }

/** Lines of the gateway's own account of what happens, for as long as the scope lasts. */
async function follow(): Promise<{ readonly lines: Record<string, unknown>[] } & Disposable> {
  const leave = new AbortController()
  const lines: Record<string, unknown>[] = []
  const response = await fetch(`http://127.0.0.1:${gateway.admin}/admin/tail`, { signal: leave.signal })
  const read = async () => {
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString()
      const parts = text.split('\n')
      text = parts.pop() ?? ''
      lines.push(...parts.map((line) => JSON.parse(line)))
    }
  }
  void read().catch(() => {})
  return { lines, [Symbol.dispose]: () => leave.abort() }
}

test('a retry that waits survives a kill: not earlier, not later, and its attempts count on', async () => {
  await using client = await Client.connect(gateway)
  const event = eventOf('retry', { subject: '0' })
  const id = `${event['id']}`
  await client.publish('slowly/1', event, CLOUDEVENT)
  const waiting = await eventually(
    async () => {
      const delivery = (await held(gateway, id))?.deliveries[0]
      return delivery?.attempts === 1 ? delivery : undefined
    },
    { what: 'the first attempt has failed' },
  )
  expect(waiting).toMatchObject({ status: 'due', error: { code: 'FUNCTION_RETRY' } })
  const due = Date.parse((waiting as unknown as { due: string }).due)
  await gateway.kill()
  await gateway.restart()
  const now = Date.now()
  const before = (await held(gateway, id))?.deliveries[0]
  if (now < due - 200) expect(before).toMatchObject({ attempts: 1, status: 'due' })
  using tail = await follow()
  const later = await eventually(
    async () => {
      const delivery = (await held(gateway, id))?.deliveries[0]
      return (delivery?.attempts ?? 0) >= 2 ? delivery : undefined
    },
    { what: 'the second attempt' },
  )
  expect(Date.now()).toBeGreaterThanOrEqual(due)
  expect(later.attempts).toBeGreaterThanOrEqual(2)
  await eventually(() => tail.lines.some((line) => Number(line['attempt']) >= 3), {
    what: 'the tail shows a third attempt',
    withinMs: 60_000,
    detail: () => JSON.stringify(tail.lines),
  })
})

test('order per key holds across failures; keys do not wait for each other', async () => {
  await using client = await Client.connect(gateway)
  using tail = await follow()
  const keys = ['a', 'b', 'c']
  const events = keys.flatMap((account) =>
    Array.from({ length: 6 }, (_, number) =>
      // The third of each fails for good, after its retries; `spin` takes long enough to be overtaken, were it possible.
      eventOf(account === 'a' && number === 2 ? 'retry' : 'spin', {
        subject: '5',
        account,
        number,
        id: unique(account),
      }),
    ),
  )
  await Promise.all(events.map((event) => client.publish('accounts/1', event, CLOUDEVENT)))
  for (const { id } of events) await settled(gateway, `${id}`)
  const done = tail.lines.filter(({ kind, route }) => kind === 'settled' && route === 'ordered')
  await eventually(
    () =>
      done.length >= 0 &&
      tail.lines.filter(({ outcome, route }) => route === 'ordered' && outcome !== 'retry').length === 18,
    {
      what: 'all is told',
    },
  )
  for (const key of keys) {
    const ends = tail.lines
      .filter(({ outcome, route }) => route === 'ordered' && outcome !== 'retry')
      .map(({ event }) => event as { account: string; number: number })
      .filter(({ account }) => account === key)
      .map(({ number }) => Number(number))
    expect(ends, `key ${key}`).toEqual([0, 1, 2, 3, 4, 5])
  }
  const poison = events.find(({ type }) => type === 'retry')
  expect((await held(gateway, `${poison?.['id']}`))?.deliveries).toMatchObject([{ status: 'dead', attempts: 3 }])
})

test('no more of a route run at once than its concurrency', async () => {
  await using client = await Client.connect(gateway)
  const events = Array.from({ length: 6 }, () => eventOf('sleep', { subject: '300' }))
  const begun = performance.now()
  await Promise.all(events.map((event) => client.publish('narrow/1', event, CLOUDEVENT)))
  for (const { id } of events) await settled(gateway, `${id}`)
  // Two at a time, with four instances to be had: three rounds.
  expect(performance.now() - begun).toBeGreaterThanOrEqual(890)
})

describe('what a function emits', () => {
  test('reaches the routes of its name, with its cause, and they can chain on', async () => {
    await using client = await Client.connect(gateway)
    await client.subscribe('orders/accepted')
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const order = eventOf('order.placed', { traceparent, data: { orderId: 7, items: [{ price: 2, quantity: 3 }] } })
    await client.publish('orders/new', order, CLOUDEVENT)
    const accepted = await client.receive('orders/accepted')
    expect(jsonOf(accepted)).toEqual({ orderId: 7, lines: 1, units: 3, totals: { EUR: 6 } })
    expect(accepted.user).toMatchObject({
      type: 'order.accepted',
      source: '/functions/order-summary',
      id: `${order['id']}/accepted`,
      causationid: order['id'],
      correlationid: order['id'],
    })
    expect(accepted.user['traceparent']).toContain('4bf92f3577b34da6a3ce929d0e0e4736')
    expect((await settled(gateway, `${order['id']}/accepted`)).deliveries).toMatchObject([
      { route: 'accepted', to: 'echo', status: 'done' },
      { route: 'accepted', to: 'mqtt:orders/accepted', status: 'done' },
    ])
  })

  test('also when the call came over HTTP and skipped the journal', async () => {
    await using client = await Client.connect(gateway)
    await client.subscribe('orders/accepted')
    const answer = await post(gateway.http, '/orders', { orderId: 8, items: [{ price: 1, quantity: 2 }] })
    expect(answer).toMatchObject({ status: 200, json: { orderId: 8, units: 2 } })
    expect(jsonOf(await client.receive('orders/accepted'))).toMatchObject({ orderId: 8 })
  })

  test('what no condition takes goes nowhere', async () => {
    const answer = await post(gateway.http, '/orders', { orderId: 9, items: [{ price: 1 }] })
    expect(answer).toMatchObject({ status: 200, json: { units: 1 } })
    const { json } = await request(gateway.admin, '/admin/stats')
    expect(json['journal']).toMatchObject({ pending: expect.any(Number) })
  })
})
