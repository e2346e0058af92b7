/** A paused source has no credit until it is resumed. */

import { expect, test } from 'vitest'
import type { Credit } from '../connector/connector.ts'
import { Pauses } from './pauses.ts'

const free: Credit = { refusal: () => undefined, wait: async () => {} }

test('one source is refused and waits, the others go on; resumed, it has what the gateway has', async () => {
  const pauses = new Pauses(() => ['orders', 'jobs'])
  const [orders, jobs] = [pauses.credit('orders', free), pauses.credit('jobs', free)]
  expect(pauses.told()).toBeUndefined()
  expect([pauses.pause('orders'), pauses.pause('orders')]).toEqual([true, false])
  expect(orders.refusal()).toMatchObject({
    code: 'OVERLOADED',
    message: expect.stringContaining('headgate resume orders'),
  })
  expect(jobs.refusal()).toBeUndefined()
  await jobs.wait(new AbortController().signal)
  let isFree = false
  const waiting = orders.wait(new AbortController().signal).then(() => {
    isFree = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect([isFree, pauses.names]).toEqual([false, ['orders']])
  expect(pauses.told()).toContain('paused: orders (headgate resume orders)')
  expect([pauses.resume('orders'), pauses.resume('orders')]).toEqual([true, false])
  await waiting
  expect(orders.refusal()).toBeUndefined()
  expect([pauses.pause('odrers'), pauses.resume('odrers')]).toEqual([undefined, undefined])
})

test('a wait ends with its signal', async () => {
  const pauses = new Pauses(() => ['orders', 'jobs'])
  pauses.pause('orders')
  const leave = new AbortController()
  const waiting = pauses.credit('orders', free).wait(leave.signal)
  leave.abort(new Error('stopping'))
  await expect(waiting).rejects.toThrow('stopping')
})
