/** Row 26 of the fault matrix: a route that feeds itself twice ends at the hop limit, and leaves the others their share. */

import { expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { startGateway } from '../../services/gateway.ts'
import { Client, eventOf, request } from './client.ts'

const config = `
functions:
  echo: FUNCTIONS/echo/echo.wasm
routes:
  bomb: { from: "mqtt:bomb/+", to: ["mqtt:bomb/left", "mqtt:bomb/right"] }
  circle: { from: "mqtt:circle/+", to: "mqtt:circle/{subject}" }
  direct: { from: "mqtt:direct/+", to: "mqtt:direct/{subject}", delivery: direct }
  others: { from: "mqtt:others/+", to: echo }
`
const MAX_HOPS = 16
const CLOUDEVENT = { properties: { contentType: 'application/cloudevents+json' } }

/** Calls per second that one client gets answered, 32 at a time. */
async function throughput(client: Client, forMs: number): Promise<number> {
  const end = performance.now() + forMs
  let count = 0
  const lane = async () => {
    while (performance.now() < end) {
      await client.publish('others/1', '{}')
      count += 1
    }
  }
  await Promise.all(Array.from({ length: 32 }, lane))
  return (count / forMs) * 1_000
}

test('an event that goes in a circle is a dead letter after 16 deliveries, with "loop"', async () => {
  await using gateway = await startGateway({ config })
  await using client = await Client.connect(gateway)
  await client.subscribe('circle/#')
  const event = eventOf('t', { subject: 'x' })
  await client.publish('circle/x', event, CLOUDEVENT)
  const letters = await eventually(
    async () => {
      const { json } = await request(gateway.admin, '/admin/dead-letters')
      const items = json['items'] as readonly Record<string, unknown>[]
      return items.length > 0 ? items : undefined
    },
    { what: 'the circle ends' },
  )
  expect(letters).toMatchObject([
    {
      route: 'circle',
      error: { code: 'EVENT_LOOP', message: expect.stringContaining('loop') },
      event: { correlationid: event['id'], hops: MAX_HOPS + 1 },
    },
  ])
  // The publish itself, and what each delivery published.
  await eventually(() => client.on('circle/x').length === MAX_HOPS + 2, {
    what: 'every message of the circle',
    detail: () => `${client.on('circle/x').length} came`,
  })
})

test('a circle of deliveries that skip the journal ends, too', async () => {
  await using gateway = await startGateway({ config })
  await using client = await Client.connect(gateway)
  await client.subscribe('direct/#')
  await client.publish('direct/x', eventOf('t', { subject: 'x' }), CLOUDEVENT)
  await eventually(() => gateway.output().includes('loop'), { what: 'the log says that it was a loop' })
  expect(client.on('direct/x').length).toBeLessThanOrEqual(MAX_HOPS + 2)
})

test('a route that feeds itself twice: the others keep their throughput, and it ends', async () => {
  await using gateway = await startGateway({ config })
  await using client = await Client.connect(gateway)
  await throughput(client, 1_000)
  const before = await throughput(client, 2_000)
  await client.publish('bomb/first', eventOf('t'), CLOUDEVENT)
  const during = await throughput(client, 3_000)
  const { json } = await request(gateway.admin, '/admin/stats')
  const share = Math.round((during / before) * 100)
  console.log(
    JSON.stringify({
      row: 26,
      before: Math.round(before),
      during: Math.round(during),
      percent: share,
      stats: (json['journal'] as Record<string, unknown>)['pending'],
    }),
  )
  expect(share).toBeGreaterThan(25)
  expect((await request(gateway.http, '/ready')).status).toBe(200)
})
