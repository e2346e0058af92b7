/** What was fetched is offered in order, within its bound, while there is credit; and dropped when its partition is lost. */

import { expect, test, vi } from 'vitest'
import { MemoryCredit, MemoryLog, memoryContext } from '#conformance'
import { type Emit, GatewayError } from '#connector'
import { Intake } from './intake.ts'
import type { KafkaRecord } from './normalize.ts'

const records = (from: number, count: number): KafkaRecord[] =>
  Array.from({ length: count }, (_, at) => ({
    key: null,
    value: Buffer.from(`${from + at}`),
    timestamp: '1000',
    offset: `${from + at}`,
  }))

/** An intake of which a test answers each emit. */
class Desk {
  readonly credit = new MemoryCredit()
  readonly log = new MemoryLog()
  /** Offsets, `partition:offset`, in the order of the offers. */
  readonly offered: string[] = []
  readonly intake: Intake
  #open = new Map<string, PromiseWithResolvers<void>>()

  constructor(maxInFlight = 100) {
    const { credit, log } = this
    this.intake = new Intake(memoryContext({ name: 'orders', maxInFlight, credit, log }), this.#emit)
  }

  #emit: Emit = async (event) => {
    const place = event.id.replace('partition:', '').replace('/offset', '')
    this.offered.push(place)
    const answer = Promise.withResolvers<void>()
    this.#open.set(place, answer)
    await answer.promise
    return { callId: place, duplicate: false, routes: [] }
  }

  take(partition: number, from: number, count: number): void {
    const lane = this.intake.lane('t', partition, from)
    if (lane) this.intake.take(lane, records(from, count), from + count - 1)
  }

  async accept(...places: readonly string[]): Promise<void> {
    for (const place of places) this.#open.get(place)?.resolve()
    await new Promise((resolve) => setImmediate(resolve))
  }

  async refuse(place: string, error: GatewayError): Promise<void> {
    this.#open.get(place)?.reject(error)
    await new Promise((resolve) => setImmediate(resolve))
  }

  get commits(): readonly string[] {
    return this.intake.committable().map(({ lane, offset }) => `${lane.partition}:${offset}`)
  }
}

const overloaded = new GatewayError('OVERLOADED', 'gateway: accepting: no room')

test('offers by turns, never more than the bound, and commits what nothing below is open of', async () => {
  const desk = new Desk(4)
  desk.intake.assign({ t: [0, 1] })
  desk.take(0, 10, 3)
  desk.take(1, 20, 3)
  expect(desk.offered).toEqual(['0:10', '0:11', '0:12', '1:20'])
  expect(desk.intake.inFlight).toBe(4)
  await desk.accept('0:11', '0:12')
  expect(desk.commits).toEqual(['0:10', '1:20'])
  await desk.accept('0:10')
  expect(desk.commits).toEqual(['0:13', '1:20'])
  expect(desk.offered).toEqual(['0:10', '0:11', '0:12', '1:20', '1:21', '1:22'])
})

test('what is refused is offered again before what follows it; another partition goes on', async () => {
  const desk = new Desk(2)
  desk.intake.assign({ t: [0, 1] })
  desk.take(0, 0, 4)
  await desk.refuse('0:0', overloaded)
  await desk.accept('0:1')
  desk.take(1, 0, 1)
  await vi.waitFor(() => expect(desk.offered).toEqual(['0:0', '0:1', '1:0', '0:0']))
  await desk.accept('1:0', '0:0')
  await vi.waitFor(() => expect(desk.offered.slice(4)).toEqual(['0:2', '0:3']))
})

test('without credit nothing is offered; with it all that was fetched', async () => {
  const desk = new Desk()
  desk.intake.assign({ t: [0] })
  desk.credit.close()
  desk.take(0, 0, 3)
  await new Promise((resolve) => setImmediate(resolve))
  expect(desk.offered).toEqual([])
  desk.credit.open()
  await vi.waitFor(() => expect(desk.offered).toHaveLength(3))
})

test('a partition that is lost is neither offered nor committed any more, whatever is answered', async () => {
  const desk = new Desk(1)
  desk.intake.assign({ t: [0, 1] })
  desk.take(0, 0, 5)
  expect(desk.offered).toEqual(['0:0'])
  desk.intake.assign({ t: [1] })
  await desk.accept('0:0')
  expect([desk.offered, desk.commits]).toEqual([['0:0'], []])
  desk.take(0, 1, 1)
  desk.take(1, 7, 1)
  expect(desk.offered).toEqual(['0:0', '1:7'])
})

test('a log that begins anew is taken from its beginning', async () => {
  const desk = new Desk()
  desk.intake.assign({ t: [0] })
  desk.take(0, 100, 2)
  await desk.accept('0:100', '0:101')
  desk.take(0, 0, 1)
  await desk.accept('0:0')
  expect([desk.offered, desk.commits]).toEqual([['0:100', '0:101', '0:0'], ['0:1']])
})

test('what is refused is told once with its place, whatever the reason, and never committed', async () => {
  const desk = new Desk()
  desk.intake.assign({ t: [0] })
  desk.take(0, 5, 1)
  await desk.refuse('0:5', new GatewayError('EVENT_LOOP', 'event: accepting: in circles'))
  await vi.waitFor(() => expect(desk.offered).toEqual(['0:5', '0:5']))
  await desk.refuse('0:5', overloaded)
  expect(desk.commits).toEqual(['0:5'])
  expect(desk.log.lines).toMatchObject([
    { level: 'warn', fields: { topic: 't', partition: 0, offset: '5', code: 'EVENT_LOOP' } },
  ])
  await vi.waitFor(() => expect(desk.offered).toHaveLength(3))
  await desk.accept('0:5')
  expect(desk.commits).toEqual(['0:6'])
})

test('a stop waits for what is under way, and offers nothing more', async () => {
  const desk = new Desk(1)
  desk.intake.assign({ t: [0] })
  desk.take(0, 0, 3)
  let isDone = false
  const stopping = desk.intake.stop().then(() => {
    isDone = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(isDone).toBe(false)
  await desk.accept('0:0')
  await stopping
  expect([desk.offered, desk.commits]).toEqual([['0:0'], ['0:1']])
})
