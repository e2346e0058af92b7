/** What becomes of offers that the path refuses: for good, for now, and of sources that have dead letters of their own. */

import { expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import { type CloudEvent, isRefusedOffer } from '../event/index.ts'
import type { DeadLetter, Journal } from '../journal/journal.ts'
import { openMemoryJournal } from '../journal/memory.ts'
import { OFFERS } from '../router/route.ts'
import type { Accept } from './accept.ts'
import { ActivityStream } from './activity.ts'
import type { DeliverParts } from './deliver.ts'
import { Dispatcher } from './dispatch.ts'
import { createEmit } from './emit.ts'
import { until } from './harness.ts'
import { keepingRefused, offerLane } from './refused-offers.ts'

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
  readonly journal: Journal
  readonly offered: { readonly event: CloudEvent; readonly source: string; readonly address: string }[] = []
  error: GatewayError | undefined = invalid
  readonly #dispatcher: Dispatcher

  constructor(maxBytes?: number) {
    this.journal = openMemoryJournal(maxBytes === undefined ? {} : { maxBytes })
    this.#dispatcher = new Dispatcher(this.journal, (error) => expect.fail(error.message))
    this.emit = createEmit(keepingRefused(this.accept, this.journal), 'orders', (given) => ({
      ...given,
      type: `${given.type}.named`,
    }))
  }

  readonly accept: Accept = async (given, { address, source }) => {
    this.offered.push({ event: given, source, address })
    if (this.error) throw this.error
    return { callId: 'taken', duplicate: false, routes: ['work'] }
  }

  /** What is lent to a source. */
  readonly emit: ReturnType<typeof createEmit>

  serve(): void {
    const parts: DeliverParts = {
      journal: this.journal,
      replies: { publish: () => expect.fail('nobody is answered'), follow: () => expect.fail('nobody is answered') },
      activity: new ActivityStream(),
      accept: this.accept,
      copy: () => expect.fail('there is no copy'),
      // As if it was half of the journal, and a little more.
      room: { couldHold: (events) => events.length < 2, hasRoomFor: () => false },
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

test('too large to be kept: its attributes and the size of its data are; no redrive takes them for the event', async () => {
  const desk = new Desk(1)
  desk.error = new GatewayError('EVENT_TOO_LARGE', 'journal: on purpose')
  desk.serve()
  expect(await desk.emit(event)).toMatchObject({ routes: [], duplicate: false })
  await until(() => desk.journal.stats().dead === 1)
  const [letter] = await desk.letters()
  expect(letter).toMatchObject({
    event: { id: 'e1/refused', extensions: { partitionkey: 'k', refusedid: 'e1', refusedbytes: 2 } },
    error: { code: 'EVENT_TOO_LARGE', message: expect.stringContaining('its 2 bytes of data were not kept') },
  })
  expect(letter?.event.data).toBeUndefined()
  desk.error = undefined
  const offered = desk.offered.length
  await desk.journal.redrive({ route: OFFERS.route })
  await until(() => desk.journal.stats().dead === 1)
  expect(desk.offered.length).toBe(offered)
  expect(await desk.emit(event)).toEqual({ callId: 'taken', duplicate: false, routes: ['work'] })
})

test('redriven, and larger than what its own letter leaves: it dies of that, and is not offered for ever', async () => {
  const desk = new Desk()
  desk.serve()
  await desk.emit(event)
  await until(() => desk.journal.stats().dead === 1)
  desk.error = full
  expect(await desk.journal.redrive({ route: OFFERS.route })).toBe(1)
  await until(() => desk.journal.stats().dead === 1)
  expect((await desk.letters())[0]?.error).toMatchObject({
    code: 'EVENT_TOO_LARGE',
    message: expect.stringContaining('does not fit into the journal beside it'),
  })
  expect(desk.offered).toHaveLength(3)
})

test('attributes that are too large, too, are left out; for want of room it is offered again', async () => {
  const kept: CloudEvent[] = []
  const tooLarge = new GatewayError('EVENT_TOO_LARGE', 'no')
  const answers = [tooLarge, tooLarge]
  const append: Journal['append'] = async ({ callId, event: given }) => {
    kept.push(given)
    const error = answers.shift()
    if (error) throw error
    return { callId, duplicate: false }
  }
  const emit = createEmit(
    keepingRefused(async () => Promise.reject(invalid), { append }),
    'orders',
  )
  await emit({ ...event, subject: 's' })
  const required = { specversion: '1.0', id: 'e1/refused', source: event.source, type: 'order' }
  expect(kept).toHaveLength(3)
  expect(kept[1]).toMatchObject({ subject: 's', extensions: { partitionkey: 'k' } })
  expect(kept[2]).toEqual({ ...required, extensions: { refusedbytes: 2, refusedid: 'e1' } })
  answers.push(tooLarge, full)
  await expect(emit(event)).rejects.toBe(full)
})

test('what cannot be kept either is rejected: upstream sends it again', async () => {
  const desk = new Desk()
  await desk.journal[Symbol.asyncDispose]()
  await expect(desk.emit(event)).rejects.toMatchObject({ code: 'STOPPING' })
})
