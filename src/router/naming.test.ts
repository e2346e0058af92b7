/** What `as` makes of events, and what it leaves alone. */

import { expect, test } from 'vitest'
import type { Origin } from '../event/index.ts'
import { event } from './harness.ts'
import { compileNaming, namingProblems } from './naming.ts'

const KAFKA: Origin = { source: 'orders', address: 'orders.v1' }

/** The event as it comes out, and what was said. */
function named(as: Readonly<Record<string, string>>, given: Parameters<typeof event>[0]) {
  const said: string[] = []
  const made = compileNaming(as, (attribute, why) => said.push(`${attribute}: ${why}`))(event(given), KAFKA)
  return { made, said }
}

test('attributes and extensions come from the data, the other attributes and the topic', () => {
  const as = { type: 'data.type', subject: 'data.orderId', source: '"/shop/" + topic', region: 'data.where.region' }
  const { made, said } = named(as, { json: { type: 'order.paid', orderId: 7, where: { region: 'eu' } } })
  expect(made).toMatchObject({
    type: 'order.paid',
    subject: '7',
    source: '/shop/orders.v1',
    extensions: { region: 'eu' },
  })
  expect(said).toEqual([])
})

test('each expression sees the event as it came in, whatever another one gave', () => {
  const { made } = named({ type: '"new"', subject: 'type' }, { type: 'old' })
  expect(made).toMatchObject({ type: 'new', subject: 'old' })
})

test('what has no value stays as it was, and is told', () => {
  const { made, said } = named({ type: 'data.type', subject: 'data.id' }, { type: 'old', json: { id: 'a' } })
  expect(made).toMatchObject({ type: 'old', subject: 'a' })
  expect(said).toEqual([expect.stringMatching(/^type: .*type/)])
})

test.each([
  ['an empty text', { type: 'data.x' }, { x: '' }, /^type: it is no text, number or truth value, or it is empty$/],
  ['a list', { subject: 'data.x' }, { x: [1] }, /^subject: it is no text/],
  ['no timestamp', { time: 'data.x' }, { x: 'yesterday' }, /^time: .*timestamp/],
  ['a control character', { subject: 'data.x' }, { x: 'a\u0007' }, /^subject: .*control/],
])('%s is no value', (_, as, json, why) => {
  const { made, said } = named(as, { json, time: '2026-01-31T12:00:00Z' })
  expect(made).toEqual(event({ json, time: '2026-01-31T12:00:00Z' }))
  expect(said).toEqual([expect.stringMatching(why)])
})

test('data that cannot be read leaves the event alone', () => {
  const given = { data: Buffer.from('{'), datacontenttype: 'application/json' }
  const { made, said } = named({ type: 'data.type' }, given)
  expect(made).toEqual(event(given))
  expect(said).toHaveLength(1)
})

test('mistakes are told with the attribute and the place', () => {
  expect(
    namingProblems({ type: 'data.type +', subject: 'subjekt', Region: '"eu"', specversion: '"2"', id: 'id' }),
  ).toEqual([
    { attribute: 'type', offset: 10, message: 'this is no expression: unexpected +' },
    { attribute: 'subject', offset: 0, message: expect.stringContaining('did you mean "subject"') },
    { attribute: 'Region', message: expect.stringContaining('"Region" is no attribute') },
    { attribute: 'specversion', message: expect.stringContaining('not for a source to say') },
  ])
})
