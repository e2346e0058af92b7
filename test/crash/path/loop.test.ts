/** Row 26 of the fault matrix: a route that feeds itself twice ends at the hop limit, and leaves the others their share. */

import { expect, test } from 'vitest'
import { Client, eventOf, request } from '../../e2e/path/client.ts'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'

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

/**
 * A bomb from the outside takes minutes, paced as it is, to come to its 131,072 dead letters. One that has these hops
 * behind it is the end of such a bomb, some seconds long, so that windows with it and without it can take turns.
 */
const SEED_HOPS = 8
/** Twice as many with each hop up to the limit; each of the last ones goes to both targets and is refused there. */
const LETTERS = 2 ** (MAX_HOPS + 1 - SEED_HOPS) * 2
const ROUNDS = 5
const WINDOW_MS = 1_500

const journalOf = async (gateway: GatewayProcess) =>
  (await request(gateway.admin, '/admin/stats')).json['journal'] as { pending: number; dead: number }

/** Resolves with the share that the others kept beside one bomb, once the bomb has ended. */
async function besideBomb(gateway: GatewayProcess, client: Client): Promise<number> {
  const before = await throughput(client, WINDOW_MS)
  await client.publish('bomb/first', eventOf('t', { hops: SEED_HOPS }), CLOUDEVENT)
  await eventually(async () => (await journalOf(gateway)).pending > 100, { what: 'the bomb grows', withinMs: 30_000 })
  const during = await throughput(client, WINDOW_MS)
  expect((await journalOf(gateway)).pending, 'the bomb lasted').toBeGreaterThan(0)
  await eventually(async () => (await journalOf(gateway)).pending === 0, {
    what: 'the bomb ends',
    withinMs: 120_000,
    everyMs: 100,
  })
  return during / before
}

test('a route that feeds itself twice ends in dead letters; the others keep 80 % of their throughput', async () => {
  await using gateway = await startGateway({ config })
  await using client = await Client.connect(gateway)
  await throughput(client, 1_000)
  const shares: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) shares.push(await besideBomb(gateway, client))
  // Each pair is two windows next to each other: the machine's mood changes by a third from second to second. The
  // middle one counts: a bomb that takes more than its share takes it in every round.
  const median = shares.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)]
  const { dead } = await journalOf(gateway)
  const { json } = await request(gateway.admin, '/admin/dead-letters?limit=100')
  const letters = json['items'] as readonly { error: { code: string; message: string }; event: { hops: number } }[]
  console.log(JSON.stringify({ row: 26, shares: shares.map((share) => Number(share.toFixed(2))), median, dead }))
  expect(dead).toBe(ROUNDS * LETTERS)
  expect(new Set(letters.map(({ error }) => error.code))).toEqual(new Set(['EVENT_LOOP']))
  expect(letters.every(({ error, event }) => error.message.includes('loop') && event.hops === MAX_HOPS + 1)).toBe(true)
  expect(median).toBeGreaterThanOrEqual(0.8)
  expect((await request(gateway.http, '/ready')).status).toBe(200)
})
