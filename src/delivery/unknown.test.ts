/** What a caller of something that does not exist is told. */

import { expect, test } from 'vitest'
import type { CloudEvent } from '../event/index.ts'
import { createNoRoute } from './unknown.ts'

const noRoute = createNoRoute(
  ['echo', 'order-summary'],
  [
    { service: 'orders', as: 'createOrder' },
    { service: 'orders', as: 'cancelOrder' },
  ],
)
const event: CloudEvent = { specversion: '1.0', id: '1', source: '/s', type: 't' }

test('an unknown service is told the known ones, and the nearest', () => {
  const { code, message, type } = noRoute(event, { source: 'mqtt', address: 'service/ecko' })
  expect({ code, type }).toEqual({ code: 'FUNCTION_UNKNOWN', type: 'ValidationError' })
  expect(message).toBe(
    'service (call): finding a function: "ecko" is unknown; did you mean "echo"?; there is "echo", "order-summary", "orders"',
  )
})

test('an unknown function of a service is told those of the service', () => {
  const call = { ...event, extensions: { function: 'createOrdr' } }
  expect(noRoute(call, { source: 'mqtt', address: 'service/orders' }).message).toBe(
    'orders (call): finding a function: "createOrdr" is unknown; did you mean "createOrder"?; there is "createOrder", "cancelOrder"',
  )
})

test('anything else is told where to ask', () => {
  expect(noRoute(event, { source: 'http', address: 'POST /nowhere' })).toMatchObject({
    code: 'NO_ROUTE',
    message: expect.stringContaining('POST /nowhere (call)'),
  })
})
