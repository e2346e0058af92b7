/** What was not accepted is remembered for a while, within bounds. */

import { expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import type { CloudEvent } from '../event/index.ts'
import { Refusals } from './refusals.ts'

const event = (id: string, data = Buffer.from('x')): CloudEvent => ({
  specversion: '1.0',
  id,
  source: '/test',
  type: 'made',
  data,
})
const origin = { source: 'mqtt', address: 'orders/eu' }
const full = () => new GatewayError('JOURNAL_FULL', 'journal (lmdb): appending an event: no room')

test('an event is found by its id, its callId, its client and its topic, newest first', () => {
  const refusals = new Refusals()
  refusals.add({ kind: 'unmatched', at: 1, origin, event: event('a'), callId: 'c1' })
  const error = full()
  refusals.add({ kind: 'refused', at: 2, origin, event: event('b'), callId: 'c2' }, error)
  refusals.seen(error, { origin, client: 'sensor-7' }, 3)
  const ids = (key?: string) => refusals.find(key).map((each) => each.event?.id)
  expect([ids('a'), ids('c2'), ids('sensor-7'), ids('orders/eu'), ids(), ids('none')]).toEqual([
    ['a'],
    ['b'],
    ['b'],
    ['b', 'a'],
    ['b', 'a'],
    [],
  ])
  expect(refusals.find('b')[0]).toMatchObject({
    kind: 'refused',
    at: 2,
    client: 'sensor-7',
    error: { code: 'JOURNAL_FULL' },
  })
})

test('what a source could not read is remembered with what it knows', () => {
  const refusals = new Refusals()
  const error = new GatewayError('EVENT_INVALID', 'http (http): reading an event: no id')
  refusals.seen(error, { origin: { source: 'http', address: 'POST /events' }, client: '127.0.0.1' }, 7)
  expect(refusals.find('127.0.0.1')).toMatchObject([{ at: 7, error: { code: 'EVENT_INVALID' }, times: 1 }])
})

test('an event that comes again and again is one, with the last reason', () => {
  const refusals = new Refusals()
  for (let at = 0; at < 5; at++) refusals.add({ kind: 'refused', at, origin, event: event('a') }, full())
  expect(refusals.find()).toMatchObject([{ at: 4, times: 5 }])
})

test('it holds no more than so many, no more bytes than so many, and no large data', () => {
  const refusals = new Refusals()
  for (let at = 0; at < 2_000; at++) refusals.add({ kind: 'unmatched', at, origin, event: event(`s${at}`) })
  expect(refusals.find().length).toBe(1_024)
  expect(refusals.find('s0')).toEqual([])
  for (let at = 0; at < 2_000; at++)
    refusals.add({ kind: 'unmatched', at, origin, event: event(`m${at}`, Buffer.alloc(16_384)) })
  expect(refusals.find().length).toBe(256)
  refusals.add({ kind: 'unmatched', at: 0, origin, event: event('large', Buffer.alloc(16_385)) })
  expect(refusals.find('large')[0]?.event?.data).toBeUndefined()
})
