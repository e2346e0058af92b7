/** What the control API tells of the past of an event: the routes of its time, its chain, and why it is not held. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import type { CloudEvent } from '../event/index.ts'
import type { EventRecord } from '../journal/journal.ts'
import { chainOf } from './chain.ts'
import { Bench, event, origin } from './harness.ts'
import { historyOf } from './past.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench[Symbol.asyncDispose]())

const made = (id: string, acceptedAt: number, extensions: CloudEvent['extensions'] = {}): EventRecord => ({
  event: { specversion: '1.0', id, source: '/s', type: 't', extensions },
  origin,
  callId: `call-${id}`,
  acceptedAt,
  generation: 1,
  deliveries: [{ id: `${id}-0`, route: 'a', to: 'f', status: 'done', answers: false, attempts: 1, settledAt: 9 }],
})

const parts = (held: readonly EventRecord[], known: boolean) => ({
  explain: () => [{ route: 'now', takes: true }],
  mark: () => 2,
  standings: () => new Map(),
  past: async () =>
    known
      ? { router: { explain: () => [{ route: 'then', takes: false }] }, functionOf: () => ({ name: 'f@2' }) }
      : undefined,
  refusals: bench.refusals,
  journal: {
    chain: async () => held.filter(({ event }) => event.extensions?.['causationid'] !== undefined),
    find: async (key: { readonly callId: string } | { readonly eventId: string }) =>
      held.find((each) => ('eventId' in key ? each.event.id === key.eventId : each.callId === key.callId)),
  },
})

test('the verdicts are of the configuration that matched it, or of the one that runs when that is not known', async () => {
  const record = { ...made('a', 5), deliveries: [] }
  expect(await historyOf(record, parts([record], true))).toMatchObject({
    verdicts: [{ route: 'then' }],
    generation: { number: 1, runs: false, known: true },
  })
  expect(await historyOf(record, parts([record], false))).toMatchObject({
    verdicts: [{ route: 'now' }],
    generation: { number: 1, runs: false, known: false },
  })
})

test('an attempt begins where the one before ended, and names the function of its time', async () => {
  const record = made('a', 5)
  const error = { code: 'FUNCTION_TRAPPED', message: 'no' }
  const tries = [
    { attempt: 1, at: 20, tookMs: 10, generation: 1, error },
    { attempt: 2, at: 100, tookMs: 30, queueMs: 2, generation: 1 },
  ]
  const told = await historyOf(
    { ...record, deliveries: record.deliveries.map((each) => ({ ...each, tries })) },
    parts([], true),
  )
  expect(told).toMatchObject({
    deliveries: [
      {
        tries: [
          { startedAt: '1970-01-01T00:00:00.010Z', waitMs: 5, tookMs: 10, function: 'f@2', error },
          { startedAt: '1970-01-01T00:00:00.070Z', waitMs: 50, queueMs: 2 },
        ],
      },
    ],
  })
})

test('a chain has what is above, below and beside, what no route took, and no end in a circle', async () => {
  const child = (id: string, at: number, cause: string) => made(id, at, { causationid: cause, correlationid: 'root' })
  const held = [made('root', 1), child('left', 2, 'root'), child('leaf', 3, 'left'), child('self', 4, 'self')]
  const lost = { ...child('lost', 5, 'leaf').event }
  bench.refusals.add({ kind: 'unmatched', at: 5, origin, event: lost })
  for (const record of held) {
    const links = await chainOf(record, parts(held, true))
    expect(links.map(({ id, state }) => `${id} ${state}`)).toEqual([
      'root done',
      'left done',
      'leaf done',
      'self done',
      'lost unmatched',
    ])
  }
  expect(await chainOf(made('alone', 1), parts([], true))).toHaveLength(1)
})

test('one that the journal does not hold is told of with the reason, and listed', async () => {
  bench.pasts.set(7, { router: { explain: () => [{ route: 'old', takes: false }] }, functionOf: () => undefined })
  bench.refusals.add({ kind: 'unmatched', at: 1_000, origin, event: { ...event, id: 'gone' }, generation: 7 })
  const response = await bench.get('/admin/events/gone')
  expect(response.status).toBe(404)
  expect(await response.json()).toMatchObject({
    code: 'EVENT_UNKNOWN',
    detail: 'the journal does not hold "gone": no route took it at 1970-01-01T00:00:01.000Z',
    refused: [{ kind: 'unmatched', verdicts: [{ route: 'old' }], generation: { number: 7, known: true, runs: false } }],
  })
  const error = new GatewayError('OVERLOADED', 'gateway: accepting: no room')
  bench.refusals.seen(error, { origin, client: 'sensor-7' }, 2_000)
  expect(await (await bench.get('/admin/refused?about=sensor-7')).json()).toEqual({
    items: [
      {
        kind: 'refused',
        at: '1970-01-01T00:00:02.000Z',
        origin,
        client: 'sensor-7',
        times: 1,
        error: { code: 'OVERLOADED', message: error.message, type: error.type },
      },
    ],
    more: false,
  })
})
