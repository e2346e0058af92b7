/** The timing controls of routes on a real gateway: each does what it says, and what it promises of it survives a kill. */

import { expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { sharedByTests } from '../../services/tries.ts'
import { Client, eventOf, HOSTILE, held, jsonOf, postEvent, request, settled } from './client.ts'

const config = `
functions:
  hostile: { wasm: ${HOSTILE}, pool: { min: 2, max: 4 } }
routes:
  later: { from: "mqtt:later", to: "mqtt:out/later", delay: 4s }
  keyed: { from: "mqtt:keyed", to: hostile, concurrency: { limit: 1, key: account } }
  paced: { from: "mqtt:paced", to: "mqtt:out/paced", rate: { limit: 2, per: 1s } }
  once: { from: "mqtt:once", to: "mqtt:out/once", dedupe: { key: data.order, window: 1h } }
  calm: { from: "mqtt:calm", to: "mqtt:out/calm", debounce: { key: subject, wait: 4s, max_wait: 1m } }
  bulk: { from: "mqtt:bulk", to: "mqtt:out/bulk", batch: { max: 3, wait: 1s } }
  shop: { from: http, to: hostile, retry: 0, breaker: { failures: 2, open: 3s } }
`
let gateway: GatewayProcess
sharedByTests(async () => {
  gateway = await startGateway({ config })
  return () => gateway[Symbol.asyncDispose]()
})

const CLOUDEVENT = { properties: { contentType: 'application/cloudevents+json' } }

interface Fate {
  readonly status: string
  readonly attempts: number
  readonly note?: string
  readonly due?: string
  readonly settledAt?: string
}

const idOf = (event: Record<string, unknown>): string => `${event['id']}`
const fate = async (event: Record<string, unknown>): Promise<Fate | undefined> =>
  (await held(gateway, idOf(event)))?.deliveries[0] as Fate | undefined

/** When each was settled, in milliseconds; all of them are, then. */
async function times(events: readonly Record<string, unknown>[]): Promise<readonly number[]> {
  for (const event of events) await settled(gateway, idOf(event))
  return Promise.all(events.map(async (event) => Date.parse((await fate(event))?.settledAt ?? '')))
}

const restart = async (): Promise<void> => {
  await gateway.kill()
  await gateway.restart()
}

test('delay: an event waits from its acceptance on, over a kill', async () => {
  await using client = await Client.connect(gateway)
  const event = eventOf('t')
  await client.publish('later', event, CLOUDEVENT)
  const due = Date.parse((await fate(event))?.due ?? '')
  expect(due).toBeGreaterThan(Date.now())
  await restart()
  const [at = 0] = await times([event])
  expect(at).toBeGreaterThanOrEqual(due)
})

test('concurrency by key: one key goes one at a time, and another does not wait for it', async () => {
  await using client = await Client.connect(gateway)
  const slow = (account: string) => eventOf('sleep', { subject: '400', account })
  const [first, second, third, other] = [slow('a'), slow('a'), slow('a'), slow('b')]
  for (const event of [first, second, third, other]) await client.publish('keyed', event, CLOUDEVENT)
  const [a1 = 0, a2 = 0, a3 = 0, b = 0] = await times([first, second, third, other])
  expect(a2 - a1).toBeGreaterThanOrEqual(390)
  expect(a3 - a2).toBeGreaterThanOrEqual(390)
  expect(b).toBeLessThan(a3)
})

test('rate: never more than its limit in its stretch of time, and no attempt is used up', async () => {
  await using client = await Client.connect(gateway)
  const events = Array.from({ length: 6 }, () => eventOf('t'))
  await Promise.all(events.map((event) => client.publish('paced', event, CLOUDEVENT)))
  const at = [...(await times(events))].sort((one, other) => one - other)
  for (let n = 2; n < at.length; n += 1) expect((at[n] ?? 0) - (at[n - 2] ?? 0), `${n}`).toBeGreaterThanOrEqual(900)
  expect((await Promise.all(events.map(fate))).map((each) => each?.attempts)).toEqual([1, 1, 1, 1, 1, 1])
})

test('dedupe: what repeats a value is left out, over a kill, and the journal says so', async () => {
  await using client = await Client.connect(gateway)
  const events = [7, 7, 8, 7].map((order) => eventOf('t', { data: { order } }))
  const [first, repeat, other, late] = events as [object, object, object, object] & typeof events
  for (const event of [first, repeat, other]) await client.publish('once', event, CLOUDEVENT)
  await restart()
  await using again = await Client.connect(gateway)
  await again.publish('once', late, CLOUDEVENT)
  for (const event of events) await settled(gateway, idOf(event))
  const fates = await Promise.all(events.map(fate))
  expect(fates.map((each) => [each?.status, each?.attempts, each?.note])).toEqual([
    ['done', 1, undefined],
    ['done', 0, 'repeated'],
    ['done', 1, undefined],
    ['done', 0, 'repeated'],
  ])
  expect((await request(gateway.admin, '/metrics')).text).toContain(
    'headgate_deliveries_omitted_total{route="once",reason="repeated"} 1',
  )
})

test('debounce: the last of a key alone is delivered, over a kill in between', async () => {
  await using client = await Client.connect(gateway)
  const events = ['x', 'x', 'y', 'x'].map((subject, number) => eventOf('t', { subject, data: { number } }))
  for (const event of events.slice(0, 3)) await client.publish('calm', event, CLOUDEVENT)
  await restart()
  await using again = await Client.connect(gateway)
  await again.subscribe('out/calm')
  const [, , , last] = events
  await again.publish('calm', last ?? {}, CLOUDEVENT)
  for (const event of events) await settled(gateway, idOf(event))
  const fates = await Promise.all(events.map(fate))
  expect(fates.map((each) => [each?.status, each?.note])).toEqual([
    ['done', 'superseded'],
    ['done', 'superseded'],
    ['done', undefined],
    ['done', undefined],
  ])
  await again.receive('out/calm', { count: 2 })
  expect(again.on('out/calm').map((message) => jsonOf(message)['number'])).toEqual([2, 3])
})

test('batch: events go together, as a JSON batch, when there are enough or the first has waited', async () => {
  await using client = await Client.connect(gateway)
  await client.subscribe('out/bulk')
  const events = Array.from({ length: 4 }, (_, number) => eventOf('t', { subject: `${number}` }))
  for (const event of events) await client.publish('bulk', event, CLOUDEVENT)
  const batches = [await client.receive('out/bulk'), await client.receive('out/bulk', { count: 2 })]
  expect(batches[0]?.user).toMatchObject({ type: 'headgate.batch', batchsize: '3' })
  const subjects = batches.map(({ text }) => (JSON.parse(text) as { subject: string }[]).map(({ subject }) => subject))
  expect(subjects).toEqual([['0', '1', '2'], ['3']])
  for (const event of events) expect((await settled(gateway, idOf(event))).deliveries[0]?.status).toBe('done')
})

test('breaker: a target that fails rests, is shown and refused meanwhile, and goes on when it works', async () => {
  const state = async () => {
    const { text } = await request(gateway.admin, '/metrics')
    return /^headgate_breaker_state\{route="shop",to="hostile"\} (\d)$/m.exec(text)?.[1]
  }
  expect(await state()).toBe('0')
  for (const event of [eventOf('retry', { subject: '0' }), eventOf('retry', { subject: '0' })]) {
    await postEvent(gateway, event)
    await settled(gateway, idOf(event))
  }
  expect(await state()).toBe('2')
  const ready = await request(gateway.admin, '/ready')
  expect(ready.status).toBe(200)
  expect(ready.text).toContain('open: shop -> hostile')
  const refused = await postEvent(gateway, eventOf('echo'))
  expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true])
  const taken = await eventually(
    async () => {
      const event = eventOf('echo')
      return (await postEvent(gateway, event)).status < 300 ? event : undefined
    },
    { what: 'the breaker lets one try', withinMs: 20_000 },
  )
  expect((await settled(gateway, idOf(taken))).deliveries).toMatchObject([{ status: 'done', attempts: 1 }])
  await eventually(async () => (await state()) === '0', { what: 'the breaker is closed' })
  expect(gateway.output().match(/the breaker is open/g)).toHaveLength(1)
  expect(gateway.output().match(/the breaker is closed/g)).toHaveLength(1)
})
