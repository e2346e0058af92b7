/** The HTTP face of a whole gateway: callers that wait, that do not, that leave, and that come too many at once. */

import { describe, expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { sharedByTests } from '../../services/tries.ts'
import { Client, eventOf, HOSTILE, jsonOf, post, postEvent, request, settled, unique } from './client.ts'

const config = `
functions:
  echo: FUNCTIONS/echo/echo.wasm
  order-summary: FUNCTIONS/order-summary/order-summary.wasm
  hostile: { wasm: ${HOSTILE}, call: false }
  single: { wasm: ${HOSTILE}, call: false, pool: { min: 1, max: 1 } }
services:
  desk: { repeat: echo, sum: order-summary }
routes:
  ask: { from: "http:POST /ask/:topic", to: echo, retry: 0 }
  hostile: { from: "http:POST /hostile", to: hostile, retry: 0, timeout: 5s }
  single: { from: "http:POST /single", to: single, retry: 0, concurrency: 1, delivery: durable }
  direct: { from: "http:POST /direct", to: single, retry: 0 }
  seen: { from: http, to: "mqtt:seen/{id}" }
`
let gateway: GatewayProcess
sharedByTests(async () => {
  gateway = await startGateway({ config })
  return () => gateway[Symbol.asyncDispose]()
})

const STRUCTURED = { 'content-type': 'application/cloudevents+json' }
const hostile = (type: string, subject: string, headers = {}, path = '/hostile') =>
  post(gateway.http, path, eventOf(type, subject === '' ? {} : { subject }), { ...STRUCTURED, ...headers })

describe('a caller that waits', () => {
  test('gets the answer with its content type, its bytes and the name of the call', async () => {
    const answer = await post(gateway.http, '/ask/weather?when=now', '{"a": 1.0}')
    expect(answer).toMatchObject({ status: 200, text: '{"a": 1.0}' })
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('headgate-call-id')).toMatch(/^[\w-]{36}$/)
  })

  test('gets the status that the function chose', async () => {
    expect(await hostile('status', '')).toMatchObject({ status: 418, text: 'teapot' })
  })

  test('hears what went wrong, as a problem document', async () => {
    const refused = await post(gateway.http, '/call/order-summary', { orderId: 1, items: [] })
    expect(refused.status).toBe(400)
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(refused.json).toMatchObject({ code: 'ORDER_INVALID', detail: expect.stringContaining('items') })
    expect(await hostile('trap', '')).toMatchObject({ status: 500, json: { code: 'FUNCTION_TRAPPED' } })
  })

  test('is told 504 when its time is up', async () => {
    const late = await hostile('sleep', '3000', { prefer: 'wait=1' })
    expect(late.status).toBe(504)
    expect(late.json['code']).toMatch(/CALL_TIMED_OUT|FUNCTION_TIMED_OUT/)
  })

  test('is told 404 and the names that there are', async () => {
    const unknown = await post(gateway.http, '/call/order-sumary', {})
    expect(unknown).toMatchObject({ status: 404, json: { code: 'FUNCTION_UNKNOWN' } })
    for (const name of ['did you mean "order-summary"', 'echo']) expect(unknown.json['detail']).toContain(name)
    expect(unknown.json['detail']).not.toContain('hostile')
    expect(await post(gateway.http, '/nowhere', {})).toMatchObject({ status: 404, json: { code: 'NO_ROUTE' } })
    expect((await request(gateway.http, '/ask/weather')).status).toBe(404)
  })
})

describe('a function of a service', () => {
  test('is called by its path, with the slash as it is or percent-encoded', async () => {
    for (const path of ['/call/desk/repeat', '/call/desk%2Frepeat'])
      expect(await post(gateway.http, path, '{"a": 1.0}')).toMatchObject({ status: 200, text: '{"a": 1.0}' })
  })

  test('answers what went wrong as any function does', async () => {
    const refused = await post(gateway.http, '/call/desk/sum', { orderId: 1, items: [] })
    expect(refused).toMatchObject({ status: 400, json: { code: 'ORDER_INVALID' } })
    const unknown = await post(gateway.http, '/call/desk/reapet', {})
    expect(unknown).toMatchObject({ status: 404, json: { code: 'FUNCTION_UNKNOWN' } })
    expect(unknown.json['detail']).toMatch(/did you mean "desk\/repeat"; known are desk\/repeat, desk\/sum$/)
  })

  test('is answered once under one key, and later to who does not wait', async () => {
    const key = { 'idempotency-key': 'desk-1' }
    const first = await post(gateway.http, '/call/desk/repeat', '{"n": 1}', key)
    const again = await post(gateway.http, '/call/desk/repeat', '{"n": 2}', key)
    expect([first.text, again.text]).toEqual(['{"n": 1}', '{"n": 1}'])
    expect(again.headers.get('headgate-call-id')).toBe(first.headers.get('headgate-call-id'))
    const later = await post(gateway.http, '/call/desk/repeat', '{"n": 3}', { prefer: 'respond-async' })
    expect(later.status).toBe(202)
    await eventually(
      async () => (await request(gateway.http, later.headers.get('location') ?? '')).json['state'] === 'done',
      { what: 'the reply can be read' },
    )
  })
})

describe('a caller that does not wait', () => {
  test('gets 202 and a place, where the answer will be', async () => {
    const accepted = await hostile('sleep', '400', { prefer: 'respond-async' })
    expect(accepted.status).toBe(202)
    const place = accepted.headers.get('location') ?? ''
    expect(place).toBe(`/calls/${accepted.json['callId']}`)
    expect((await request(gateway.http, place)).json).toMatchObject({ state: 'pending' })
    const call = await eventually(
      async () => {
        const { json } = await request(gateway.http, place)
        return json['state'] === 'done' ? json : undefined
      },
      { what: 'the call is done' },
    )
    expect(call).toMatchObject({ state: 'done', attempts: 1, reply: { status: 'ok', data: 'slept' } })
  })

  test('reads an error there, too', async () => {
    const { json } = await hostile('reject', '', { prefer: 'respond-async' })
    await settled(gateway, `${json['callId']}`)
    expect((await request(gateway.http, `/calls/${json['callId']}`)).json).toMatchObject({
      state: 'dead',
      reply: { status: 'error', error: { code: 'BAD_ORDER' } },
    })
  })

  test('and a call that nobody made is 404', async () => {
    expect((await request(gateway.http, '/calls/never-made')).status).toBe(404)
  })
})

test('a caller that disconnects cancels its work that has not begun', async () => {
  const first = hostile('sleep', '1500', {}, '/single')
  const leave = new AbortController()
  const id = unique('left')
  const second = fetch(`http://127.0.0.1:${gateway.http}/single`, {
    method: 'POST',
    headers: STRUCTURED,
    body: JSON.stringify(eventOf('sleep', { id, subject: '50' })),
    signal: leave.signal,
  }).catch(() => 'left')
  await eventually(async () => (await request(gateway.admin, `/admin/events/${id}`)).status === 200, {
    what: 'the second call is queued',
  })
  leave.abort()
  expect(await second).toBe('left')
  expect(await first).toMatchObject({ status: 200, text: 'slept' })
  expect((await settled(gateway, id)).deliveries).toMatchObject([
    { route: 'single', status: 'dead', error: { code: 'CALL_CANCELLED' } },
  ])
})

/** The thousand that are taken need 5 ms each of a processor, which may have other things to do for most of the time. */
const PATIENT = { prefer: 'wait=100' }

test('under overload some are answered, the others are told 429 and when to come back, and it passes', async () => {
  const all = await Promise.all(Array.from({ length: 1_300 }, () => hostile('spin', '5', PATIENT, '/direct')))
  const statuses = Map.groupBy(all, ({ status }) => status)
  console.log(
    JSON.stringify({ overload: Object.fromEntries([...statuses].map(([status, { length }]) => [status, length])) }),
  )
  expect([...statuses.keys()].toSorted()).toEqual([200, 429])
  for (const refused of statuses.get(429) ?? []) {
    expect(refused.json).toMatchObject({ code: 'OVERLOADED' })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  }
  expect(await hostile('spin', '1', {}, '/direct')).toMatchObject({ status: 200, text: 'spun' })
})

describe('POST /events', () => {
  test('binary, structured and a batch: 202 once durable, and each is delivered', async () => {
    await using client = await Client.connect(gateway)
    const [binary, structured, one, other] = [unique('b'), unique('s'), unique('x'), unique('x')]
    await client.subscribe('seen/#')
    const head = { 'ce-specversion': '1.0', 'ce-type': 't', 'ce-source': '/http%2520test', 'ce-shop': 'gr%C3%BCn' }
    const sent = await request(gateway.http, '/events', {
      method: 'POST',
      headers: { ...head, 'ce-id': binary, 'content-type': 'image/png' },
      body: Buffer.from('not really'),
    })
    expect(sent).toMatchObject({ status: 202, json: { duplicate: false, callId: expect.any(String) } })
    expect(await postEvent(gateway, eventOf('t', { id: structured, data: [1] }))).toMatchObject({ status: 202 })
    const batch = await post(gateway.http, '/events', [eventOf('t', { id: one }), eventOf('t', { id: other })], {
      'content-type': 'application/cloudevents-batch+json',
    })
    expect(batch.status).toBe(202)
    expect(JSON.parse(batch.text)).toHaveLength(2)
    expect(await client.receive(`seen/${binary}`)).toMatchObject({
      text: 'not really',
      contentType: 'image/png',
      user: { id: binary, source: '/http%20test', shop: 'grün', type: 't' },
    })
    for (const id of [structured, one, other]) await client.receive(`seen/${id}`)
  })

  test('the same event again is known, and is not delivered twice', async () => {
    await using client = await Client.connect(gateway)
    await client.subscribe('seen/#')
    const event = eventOf('t')
    const [first, again] = [await postEvent(gateway, event), await postEvent(gateway, event)]
    expect(first.json).toMatchObject({ duplicate: false })
    expect(again.json).toMatchObject({ callId: first.json['callId'], duplicate: true })
    const last = eventOf('t')
    await postEvent(gateway, last)
    await client.receive(`seen/${last['id']}`)
    expect(client.on(`seen/${event['id']}`)).toHaveLength(1)
  })

  test('traceparent goes from the header of the request to the event that is delivered', async () => {
    await using client = await Client.connect(gateway)
    await client.subscribe('seen/#')
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    const event = eventOf('t')
    await post(gateway.http, '/events', event, { ...STRUCTURED, traceparent })
    expect((await client.receive(`seen/${event['id']}`)).user['traceparent']).toContain(
      '4bf92f3577b34da6a3ce929d0e0e4736',
    )
    const seen = await hostile('event', '', { traceparent })
    expect(seen.text).toContain('4bf92f3577b34da6a3ce929d0e0e4736')
  })
})

test('health and readiness, here and on the admin listener', async () => {
  expect(await request(gateway.http, '/health')).toMatchObject({ status: 200, json: { status: 'ok' } })
  expect(await request(gateway.admin, '/health')).toMatchObject({ status: 200, json: { status: 'ok' } })
  const here = await request(gateway.http, '/ready')
  expect(here).toMatchObject({ status: 200, json: { status: 'ready' } })
  const names = (here.json['checks'] as { name: string; ok: boolean }[]).map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(['gateway', 'journal', 'function echo', 'function single']))
  expect((await request(gateway.admin, '/ready')).json).toMatchObject({ ready: true })
})

test('a reply topic that a caller over HTTP names is served, too', async () => {
  await using client = await Client.connect(gateway)
  const [callid, replyto] = [unique('call'), unique('answers')]
  await client.subscribe(replyto)
  const event = eventOf('status', { callid, replyto })
  expect(await post(gateway.http, '/hostile', event, { ...STRUCTURED, prefer: 'respond-async' })).toMatchObject({
    status: 202,
    json: { callId: callid },
  })
  expect(jsonOf(await client.receive(replyto))).toMatchObject({ callid, status: 'ok', data: 'teapot' })
})
