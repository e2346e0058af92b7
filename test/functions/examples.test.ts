/** The example functions do what their READMEs say. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { example, type OpenPool, open, spec, textOf } from './open.ts'

let opened: OpenPool
beforeAll(async () => {
  opened = await open(['echo', 'order-summary'].map((name) => spec(name, { wasm: example(name) })))
})
afterAll(() => opened[Symbol.asyncDispose]())

const created = (data: unknown) => ({
  event: {
    specversion: '1.0',
    id: 'o1',
    source: '/shop',
    type: 'order.created',
    datacontenttype: 'application/json',
    data: Buffer.isBuffer(data) ? data : Buffer.from(JSON.stringify(data)),
  } as const,
})

test('echo replies with the data and its type', async () => {
  const { reply, events } = await opened.call('echo', '', '', created({ a: 1 }))
  expect(Buffer.from(reply?.data ?? []).toString()).toBe('{"a":1}')
  expect(reply).toMatchObject({ datacontenttype: 'application/json' })
  expect(events).toEqual([])
  // No data is no reply, which is not an empty one.
  expect(await opened.call('echo', 'test')).not.toHaveProperty('reply')
})

test('order-summary replies with totals, and emits them under an id that is the same on every attempt', async () => {
  const order = {
    orderId: 7,
    items: [
      { price: 1.5, quantity: 2 },
      { price: 3, currency: 'USD' },
    ],
  }
  for (const attempt of [1, 2]) {
    const result = await opened.call('order-summary', '', '', { ...created(order), attempt })
    const summary = { orderId: 7, lines: 2, units: 3, totals: { EUR: 3, USD: 3 } }
    expect(JSON.parse(textOf(result))).toEqual(summary)
    expect(result.events).toMatchObject([
      { id: 'o1/accepted', type: 'order.accepted', datacontenttype: 'application/json' },
    ])
    expect(JSON.parse(Buffer.from(result.events[0]?.data ?? []).toString())).toEqual(summary)
  }
})

test('order-summary refuses what is no order, and says which part', async () => {
  for (const [data, detailCode, message] of [
    [Buffer.from('{'), 'NOT_JSON', 'not JSON'],
    [{ orderId: 7 }, 'ORDER_INVALID', 'items is missing'],
    [{ orderId: 7, items: [{ price: -1 }] }, 'ORDER_INVALID', 'items[0].price'],
    [Buffer.from([0xff, 0xfe]), 'ORDER_INVALID', 'orderId is missing'],
  ] as const)
    await expect(opened.call('order-summary', '', '', created(data))).rejects.toMatchObject({
      code: 'FUNCTION_REJECTED',
      type: 'ValidationError',
      detailCode,
      message: expect.stringContaining(message),
    })
})

test('nine hundred calls at once get each its own answer', async () => {
  const order = { orderId: 1, items: [{ price: 1 }] }
  const calls = Array.from({ length: 900 }, (_, index) =>
    opened.call('order-summary', '', '', created({ ...order, orderId: index })),
  )
  const ids = (await Promise.all(calls)).map((result) => JSON.parse(textOf(result)).orderId)
  expect(ids).toEqual(ids.map((_, index) => index))
})
