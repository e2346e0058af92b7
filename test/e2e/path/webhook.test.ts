/** Webhooks out, end to end: rows 10, 11 and 13 of the fault matrix, against a real HTTP server on the loopback. */

import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { type Received, Receiver, type Script } from '../../services/receiver.ts'
import { sharedByTests } from '../../services/tries.ts'
import { Client, eventOf, held, jsonOf, settled } from './client.ts'

const KEY = Buffer.alloc(32, 7)
const CLOUDEVENT = { properties: { contentType: 'application/cloudevents+json' } }

/** What a delivery contract says of retries and dead letters, one row each: the five of Knative's conformance tests. */
const ROWS = [
  { row: 'none', retry: 0, deadLetter: false, failures: 1, status: 'dead', attempts: 1, copied: false },
  { row: 'retry', retry: 3, deadLetter: false, failures: 2, status: 'done', attempts: 3, copied: false },
  { row: 'letter', retry: 0, deadLetter: true, failures: 1, status: 'dead', attempts: 1, copied: true },
  { row: 'both-in-time', retry: 3, deadLetter: true, failures: 3, status: 'done', attempts: 4, copied: false },
  { row: 'both-too-late', retry: 3, deadLetter: true, failures: 4, status: 'dead', attempts: 4, copied: true },
] as const

const paths = ['signed', 'later', 'refused', 'hole', 'neighbour', ...ROWS.map(({ row }) => row)]
const quick = 'delay: 20ms, cap: 50ms'

const config = (receiver: Receiver, away: Receiver) => {
  const sink = (path: string, port: number, more = '') =>
    `  ${path}: { http: { url: "http://127.0.0.1:${port}/${path}", allow: [127.0.0.1]${more} } }`
  const own: Readonly<Record<string, string>> = { signed: `, sign: { secret: whsec_${KEY.toString('base64')} }` }
  return `
sinks:
${paths.map((path) => sink(path, receiver.port, own[path])).join('\n')}
${sink('away', away.port)}
  letters: { http: { url: "http://127.0.0.1:${receiver.port}/letters", allow: [127.0.0.0/8], mode: structured } }
  inside: { http: { url: "http://localhost:${receiver.port}/inside" } }
routes:
  signed: { from: "mqtt:signed/+", to: signed }
  later: { from: "mqtt:later/+", to: later, retry: { max: 3, ${quick} } }
  refused: { from: "mqtt:refused/+", to: refused, retry: { max: 3, ${quick} }, dead_letter: letters }
  hole: { from: "mqtt:hole/+", to: hole, retry: { max: 2, ${quick} }, timeout: 300ms, concurrency: 4 }
  neighbour: { from: "mqtt:neighbour/+", to: neighbour }
  away: { from: "mqtt:away/+", to: away, retry: { max: 100, delay: 50ms, cap: 500ms } }
  inside: { from: "mqtt:inside/+", to: inside, retry: { max: 3, ${quick} } }
${ROWS.map(
  ({ row, retry, deadLetter }) =>
    `  ${row}: { from: "mqtt:${row}/+", to: ${row}, retry: { max: ${retry}, ${quick} }${deadLetter ? ', dead_letter: letters' : ''} }`,
).join('\n')}
`
}

const failing = new Map<string, number>(ROWS.map(({ failures, row }) => [row, failures]))

const answer: Script = ({ path }) => {
  const name = path.slice(1)
  const on = receiver.received.filter((received) => received.path === path).length
  if (name === 'later' && on === 1) return { status: 503, headers: { 'retry-after': '2' }, body: 'not now' }
  if (name === 'refused') return { status: 400, body: 'no such\r\ncustomer' }
  if (name === 'hole') return 'never'
  return { status: on <= (failing.get(name) ?? 0) ? 500 : 202 }
}

let receiver: Receiver
let away: Receiver
let gateway: GatewayProcess
sharedByTests(async () => {
  receiver = await Receiver.open(answer)
  away = await Receiver.open()
  gateway = await startGateway({ config: config(receiver, away) })
  return async () => {
    await gateway[Symbol.asyncDispose]()
    await receiver.close()
    await away.close()
  }
})

const on = (path: string): readonly Received[] => receiver.received.filter((received) => received.path === `/${path}`)

/** Publishes events of a route; resolves once they are acknowledged. */
async function send(route: string, count = 1): Promise<readonly string[]> {
  await using client = await Client.connect(gateway)
  const events = Array.from({ length: count }, () => eventOf('order.placed', { subject: 'grüße', data: { n: 1 } }))
  await Promise.all(events.map((event) => client.publish(`${route}/1`, event, CLOUDEVENT)))
  return events.map(({ id }) => `${id}`)
}

test('an event arrives as a CloudEvent over HTTP, signed', async () => {
  const [id = ''] = await send('signed')
  expect((await settled(gateway, id)).deliveries).toMatchObject([{ to: 'signed', status: 'done', attempts: 1 }])
  const { body, headers } = on('signed')[0] ?? expect.fail('nothing arrived')
  expect(JSON.parse(body.toString())).toEqual({ n: 1 })
  expect(headers).toMatchObject({
    'ce-id': id,
    'ce-source': '/test',
    'ce-type': 'order.placed',
    'ce-subject': 'gr%C3%BC%C3%9Fe',
    'content-type': 'application/json',
    'idempotency-key': headers['webhook-id'],
  })
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', KEY).update(signed).digest('base64')}`)
})

describe('row 13', () => {
  test('503 with Retry-After: not earlier, with the same key, and then done', async () => {
    const [id = ''] = await send('later')
    expect((await settled(gateway, id)).deliveries).toMatchObject([{ status: 'done', attempts: 2 }])
    const [first, second, ...more] = on('later')
    expect(more).toEqual([])
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(1_950)
    expect(second?.headers['idempotency-key']).toBe(first?.headers['idempotency-key'])
  })

  test('400: a dead letter at once, with what was said, and a copy of the event as it was', async () => {
    const [id = ''] = await send('refused')
    const error = { code: 'SINK_REJECTED', message: expect.stringContaining('answered 400 "no such customer"') }
    expect((await settled(gateway, id)).deliveries).toMatchObject([{ status: 'dead', attempts: 1, error }])
    expect(on('refused')).toHaveLength(1)
    const copy = await eventually(() => on('letters').find(({ body }) => body.includes(id)), {
      what: 'the copy arrives',
    })
    expect(jsonOf({ text: `${copy.body}` })).toMatchObject({
      id,
      type: 'order.placed',
      subject: 'grüße',
      data: { n: 1 },
      deadlettercode: 'SINK_REJECTED',
      deadletterroute: 'refused',
    })
  })

  test.each(ROWS)('$row: retry $retry, $failures failures', async ({ row, attempts, copied, status }) => {
    const [id = ''] = await send(row)
    expect((await settled(gateway, id)).deliveries).toMatchObject([{ route: row, status, attempts }])
    expect(on(row)).toHaveLength(attempts)
    const copy = () => on('letters').find(({ body }) => body.includes(id))
    if (copied) await eventually(copy, { what: 'the copy arrives' })
    else expect(copy()).toBeUndefined()
  })
})

test('a name that is at a loopback address is not dialled', async () => {
  const [id = ''] = await send('inside')
  const error = { code: 'SINK_REJECTED', message: expect.stringContaining('a loopback address') }
  expect((await settled(gateway, id)).deliveries).toMatchObject([{ status: 'dead', attempts: 1, error }])
  expect(on('inside')).toEqual([])
})

test('row 11: a black hole costs its own attempts their time, and other routes next to nothing', async () => {
  const times = async (count: number): Promise<readonly number[]> => {
    const took: number[] = []
    for (let at = 0; at < count; at += 1) {
      const begun = performance.now()
      const seen = on('neighbour').length
      await send('neighbour')
      await eventually(() => on('neighbour').length > seen, { what: 'the neighbour gets its event', everyMs: 2 })
      took.push(performance.now() - begun)
    }
    return took.toSorted((a, b) => a - b)
  }
  const before = await times(30)
  const lost = await send('hole', 40)
  await eventually(() => on('hole').length >= 4, { what: 'the hole swallows' })
  const during = await times(30)
  expect((await held(gateway, lost.at(-1) ?? ''))?.deliveries).toMatchObject([{ status: 'due' }])
  // The slowest of thirty; what the machine itself adds is granted.
  expect(during.at(-1)).toBeLessThan(2 * (before.at(-1) ?? 0) + 250)
  for (const id of lost)
    expect((await settled(gateway, id, 60_000)).deliveries).toMatchObject([
      {
        status: 'dead',
        attempts: 3,
        error: { code: 'SINK_UNAVAILABLE', message: expect.stringContaining('no answer within') },
      },
    ])
})

test('row 10: what was accepted while nobody listened arrives once somebody does; nothing is lost, nothing dead', async () => {
  await away.close()
  const ids = await send('away', 200)
  await eventually(async () => ((await held(gateway, ids[0] ?? ''))?.deliveries[0]?.attempts ?? 0) >= 4, {
    what: 'it has been tried again and again',
  })
  expect((await held(gateway, ids[0] ?? ''))?.deliveries).toMatchObject([
    { status: 'due', error: { code: 'SINK_UNAVAILABLE', message: expect.stringContaining('ECONNREFUSED') } },
  ])
  await away.listen()
  const begun = performance.now()
  const arrived = () => new Set(away.received.map(({ headers }) => headers['ce-id']))
  await eventually(() => arrived().size === ids.length, { what: 'all arrive', withinMs: 30_000 })
  expect(performance.now() - begun).toBeLessThan(30_000)
  for (const id of ids) expect((await settled(gateway, id)).deliveries).toMatchObject([{ status: 'done' }])
  // Jitter: they do not all come back at the same instant.
  const instants = new Set(away.received.map(({ at }) => Math.round(at / 10)))
  expect(instants.size).toBeGreaterThan(5)
})
