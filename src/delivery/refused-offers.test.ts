/** What becomes of offers that the path refuses: for good, for now, and of sources that have dead letters of their own. */

import { expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import type { CloudEvent } from '../event/index.ts'
import type { DeadLetter } from '../journal/journal.ts'
import { openMemoryJournal } from '../journal/memory.ts'
import type { Accept } from './accept.ts'
import { ActivityStream } from './activity.ts'
import type { DeliverParts } from './deliver.ts'
import { Dispatcher } from './dispatch.ts'
import { createEmit } from './emit.ts'
import { until } from './harness.ts'
import { isRefusedOffer, keepingRefused, OFFERS, offerLane } from './refused-offers.ts'

const event: CloudEvent = {
  specversion: '1.0',
  id: 'e1',
  source: '/kafka/orders#orders',
  type: 'order',
  extensions: { partitionkey: 'k' },
  data: Uint8Array.of(0xff, 0x00),
}
const invalid = new GatewayError('EVENT_INVALID', 'gateway: accepting: on purpose')
const full = new GatewayError('JOURNAL_FULL', 'journal: full')

/** A path that refuses everything, until `error` is taken away. */
class Desk {
  readonly journal = openMemoryJournal()
  readonly offered: { readonly event: CloudEvent; readonly source: string; readonly address: string }[] = []
  error: GatewayError | undefined = invalid
  readonly #dispatcher = new Dispatcher(this.journal, (error) => expect.fail(error.message))

  readonly accept: Accept = async (given, { address, source }) => {
    this.offered.push({ event: given, source, address })
    if (this.error) throw this.error
    return { callId: 'taken', duplicate: false, routes: ['work'] }
  }

  /** What is lent to a source. */
  readonly emit = createEmit(keepingRefused(this.accept, this.journal), 'orders', (given) => ({
    ...given,
    type: `${given.type}.named`,
  }))

  serve(): void {
    const parts: DeliverParts = {
      journal: this.journal,
      replies: { publish: () => expect.fail('nobody is answered'), follow: () => expect.fail('nobody is answered') },
      activity: new ActivityStream(),
      accept: this.accept,
      copy: () => expect.fail('there is no copy'),
      cancelled: () => false,
      now: Date.now,
    }
    this.#dispatcher.add(offerLane(this.accept, parts))
  }

  async letters(): Promise<DeadLetter[]> {
    const all: DeadLetter[] = []
    for await (const letter of this.journal.deadLetters()) all.push(letter)
    return all
  }
}

test('for good: the source may acknowledge it, and it is a dead letter with its bytes and the reason', async () => {
  const desk = new Desk()
  expect(await desk.emit(event, { address: 'orders', made: true })).toMatchObject({ routes: [], duplicate: false })
  // On disk before it is offered again: a gateway that is killed here goes on from this.
  expect(desk.journal.stats()).toMatchObject({ pending: 1, lanes: [{ ...OFFERS, pending: 1 }] })
  desk.serve()
  await until(() => desk.journal.stats().dead === 1)
  const [letter, ...others] = await desk.letters()
  expect(others).toEqual([])
  expect(letter).toMatchObject({
    ...OFFERS,
    origin: { source: 'orders', address: 'orders' },
    event: { ...event, id: 'e1/refused', type: 'order.named' },
    error: { code: 'EVENT_INVALID', message: invalid.message },
  })
  expect(letter && isRefusedOffer(letter.event)).toBe(true)
  expect(isRefusedOffer(event)).toBe(false)
})

test('the same message again, after a crash of the source, is the same dead letter', async () => {
  const desk = new Desk()
  await desk.emit(event)
  expect(await desk.emit(event)).toMatchObject({ duplicate: true })
  expect(desk.journal.stats().events).toBe(1)
})

test('a redrive offers the event as it was, from where it came, with the name it was given', async () => {
  const desk = new Desk()
  desk.serve()
  await desk.emit(event, { address: 'orders', made: true })
  await until(() => desk.journal.stats().dead === 1)
  desk.error = undefined
  expect(await desk.journal.redrive({ route: OFFERS.route })).toBe(1)
  await until(() => desk.journal.stats().pending === 0 && desk.offered.length === 3)
  expect(desk.offered.at(-1)).toEqual({ event: { ...event, type: 'order.named' }, source: 'orders', address: 'orders' })
  expect(await desk.letters()).toEqual([])
})

test('for now: it is rejected, and nothing is kept', async () => {
  const desk = new Desk()
  desk.error = full
  await expect(desk.emit(event)).rejects.toBe(full)
  expect(desk.journal.stats().events).toBe(0)
})

test('for good, of a source with dead letters of its own: it is rejected, and nothing is kept', async () => {
  const desk = new Desk()
  await expect(desk.emit(event, { ownDeadLetters: true })).rejects.toBe(invalid)
  expect(desk.journal.stats().events).toBe(0)
})

test('what cannot be kept either is rejected: upstream sends it again', async () => {
  const desk = new Desk()
  await desk.journal[Symbol.asyncDispose]()
  await expect(desk.emit(event)).rejects.toMatchObject({ code: 'STOPPING' })
})
