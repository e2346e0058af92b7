/** Row 12 of the fault matrix: an event that kills its function is tried as often as asked, kept whole, and harms nobody. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, ROOT, startGateway } from '../../services/gateway.ts'
import { sharedByTests } from '../../services/tries.ts'
import { Client, eventOf, HOSTILE, post, postEvent, request, settled, unique } from './client.ts'

const config = `
functions:
  hostile: { wasm: ${HOSTILE} }
routes:
  work:
    from: ["mqtt:work/+", http]
    to: hostile
    retry: { max: 3, delay: 20ms, cap: 100ms }
    dead_letter: mqtt:dead/work
  letters:
    from: "mqtt:dead/work"
    to: mqtt:letters-seen
  neighbours:
    from: "mqtt:neighbours/+"
    to: [hostile, "mqtt:neighbour-done/{id}"]
  structured:
    from: "mqtt:structured/+"
    to: hostile
    retry: 0
    dead_letter: { mqtt: dead/structured, mode: structured }
`
let gateway: GatewayProcess
sharedByTests(async () => {
  gateway = await startGateway({ config })
  return () => gateway[Symbol.asyncDispose]()
})

const CLOUDEVENT = { contentType: 'application/cloudevents+json' }

interface Letter {
  readonly id: string
  readonly attempts: number
  readonly route: string
  readonly error: { readonly code: string; readonly message: string; readonly fingerprint?: string }
  readonly event: Record<string, unknown>
}

async function letterOf(eventId: string): Promise<Letter | undefined> {
  const { json } = await request(gateway.admin, '/admin/dead-letters?limit=1000')
  const items = json['items'] as readonly Letter[]
  const found = items.find(({ event }) => event['id'] === eventId)
  if (!found) return undefined
  return (await request(gateway.admin, `/admin/dead-letters/${found.id}`)).json as unknown as Letter
}

test('exactly max attempts, then a dead letter with reason, attempts and identical bytes; neighbours go on', async () => {
  await using client = await Client.connect(gateway)
  await client.subscribe('dead/#')
  await client.subscribe('neighbour-done/#')
  const bytes = Buffer.from([0, 255, 1, 254, 0x80, 10, 13, 123, 34])
  const id = unique('poison')
  const userProperties = { specversion: '1.0', id, source: '/test', type: 'trap', shop: 'a' }
  const properties = { contentType: 'application/octet-stream', userProperties }
  await client.mqtt.publishAsync('work/1', bytes, { qos: 1, properties })
  const neighbours = Array.from({ length: 20 }, () => eventOf('calls'))
  await Promise.all(neighbours.map((event) => client.publish('neighbours/1', event, { properties: CLOUDEVENT })))
  for (const event of neighbours) await client.receive(`neighbour-done/${event['id']}`)
  for (const event of neighbours)
    expect((await settled(gateway, `${event['id']}`)).deliveries.map(({ status }) => status)).toEqual(['done', 'done'])

  expect((await settled(gateway, id)).deliveries).toMatchObject([{ route: 'work', status: 'dead', attempts: 4 }])
  const letter = await eventually(() => letterOf(id), { what: 'the dead letter is listed' })
  expect(letter).toMatchObject({
    route: 'work',
    attempts: 4,
    error: { code: 'FUNCTION_TRAPPED', fingerprint: expect.stringContaining('unreachable') },
    event: { id, type: 'trap', shop: 'a', data_base64: bytes.toString('base64') },
  })
  expect(letter.error.message).toContain('trapped')

  const copy = await client.receive('dead/work')
  expect(copy).toMatchObject({
    contentType: 'application/octet-stream',
    user: {
      id,
      source: '/test',
      type: 'trap',
      shop: 'a',
      deadletterroute: 'work',
      deadletterattempts: '4',
      deadlettercode: 'FUNCTION_TRAPPED',
      deadletterreason: expect.stringContaining('trapped'),
      deadletterfunction: 'hostile',
    },
  })
  const { deadletterfirsttime = '', deadletterlasttime = '' } = copy.user
  expect(Date.parse(deadletterfirsttime)).toBeLessThanOrEqual(Date.parse(deadletterlasttime))
  expect(copy.bytes).toEqual(bytes)
})

test('a structured copy reaches MQTT 3.1.1, with the extensions', async () => {
  await using client = await Client.connect(gateway, { version: 4 })
  await client.subscribe('dead/structured')
  const event = eventOf('reject', { data: { order: 7 } })
  await client.publish('structured/1', event)
  expect(JSON.parse((await client.receive('dead/structured')).text)).toMatchObject({
    ...event,
    deadletterroute: 'structured',
    deadletterattempts: expect.anything(),
    deadlettercode: 'BAD_ORDER',
    deadletterreason: expect.stringContaining('no items'),
  })
})

test('a route may take what dead_letter publishes: the copy is no repeat of its event', async () => {
  await using client = await Client.connect(gateway)
  await client.subscribe('letters-seen')
  const poison: Record<string, unknown> = { ...eventOf('trap'), subject: 'again' }
  await client.publish('work/2', poison, { properties: CLOUDEVENT })
  await settled(gateway, `${poison['id']}`)
  const seen = await eventually(
    () => client.on('letters-seen').find(({ user }) => user['causationid'] === poison['id']),
    {
      what: 'what came of the copy is published by the route that took it',
    },
  )
  expect(seen.user).toMatchObject({
    type: 'trap',
    subject: 'again',
    deadletterroute: 'work',
    deadletterattempts: '4',
  })
})

test('a redrive tries again; asked for three times at once it happens once', async () => {
  const event = eventOf('trap')
  await postEvent(gateway, event)
  const id = `${event['id']}`
  await settled(gateway, id)
  const letter = await eventually(() => letterOf(id), { what: 'the dead letter is listed' })
  const redrive = () => post(gateway.admin, '/admin/dead-letters/redrive', { filter: { ids: [letter.id] } })
  const counts = await Promise.all([redrive(), redrive(), redrive()])
  expect(counts.map(({ json }) => json['count']).toSorted()).toEqual([0, 0, 1])
  // It is still poison: it dies again, after as many attempts, and is one letter.
  const again = await eventually(
    async () => {
      const { deliveries } = await settled(gateway, id)
      return deliveries[0]?.status === 'dead' ? letterOf(id) : undefined
    },
    { what: 'it is a dead letter again' },
  )
  expect(again).toMatchObject({ attempts: 4 })
  const { json } = await request(gateway.admin, '/admin/dead-letters?limit=1000')
  expect((json['items'] as readonly Letter[]).filter(({ event: each }) => each['id'] === id)).toHaveLength(1)
  expect((await redrive()).json['count']).toBe(1)
  await settled(gateway, id)
})

test('dropped is gone; a filter that names nothing is refused', async () => {
  const event = eventOf('reject')
  await postEvent(gateway, event)
  await settled(gateway, `${event['id']}`)
  const letter = await eventually(() => letterOf(`${event['id']}`), { what: 'the dead letter is listed' })
  expect(letter).toMatchObject({ attempts: 1, error: { code: 'FUNCTION_REJECTED' } })
  const filter = { ids: [letter.id] }
  expect((await post(gateway.admin, '/admin/dead-letters/drop', { filter })).json).toEqual({ count: 1 })
  expect((await post(gateway.admin, '/admin/dead-letters/drop', { filter })).json).toEqual({ count: 0 })
  expect(await letterOf(`${event['id']}`)).toBeUndefined()
  expect((await post(gateway.admin, '/admin/dead-letters/redrive', { filter: {} })).status).toBe(400)
})

test('with a function that is mended, a redrive settles all of a route, and nothing is left', async () => {
  await using client = await Client.connect(gateway)
  const events = Array.from({ length: 5 }, () => eventOf('reject', { data: { order: 1 } }))
  for (const event of events) await client.publish('structured/1', event, { properties: CLOUDEVENT })
  for (const { id } of events) expect((await settled(gateway, `${id}`)).deliveries[0]?.status).toBe('dead')
  expect((await gateway.terminate()).code).toBe(0)
  const file = join(gateway.folder, 'headgate.yaml')
  writeFileSync(file, readFileSync(file, 'utf8').replace(HOSTILE, join(ROOT, 'functions/echo/echo.wasm')))
  await gateway.restart()
  const redriven = await post(gateway.admin, '/admin/dead-letters/redrive', { filter: { route: 'structured' } })
  expect(redriven.json['count']).toBeGreaterThanOrEqual(events.length)
  for (const { id } of events)
    await eventually(async () => (await settled(gateway, `${id}`)).deliveries[0]?.status === 'done', {
      what: `"${id}" is done`,
    })
  const { json } = await request(gateway.admin, '/admin/dead-letters?route=structured')
  expect(json['items']).toEqual([])
})
