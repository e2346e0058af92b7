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

test.each([
  ['http', 'POST /call/orders/createOrdr'],
  ['call', 'orders/createOrdr'],
])('over %s, too', (source, address) => {
  expect(noRoute(event, { source, address }).message).toBe(
    'service (call): finding a function: "orders/createOrdr" is unknown; did you mean "orders/createOrder"?; there is "orders/createOrder", "orders/cancelOrder"',
  )
})

test('an unknown version is told those that there are', () => {
  const versions = createNoRoute(['echo', 'echo@1', 'echo@2', 'other'], [])
  for (const origin of [
    { source: 'mqtt', address: 'service/echo@9' },
    { source: 'call', address: 'echo@9' },
  ])
    expect(versions(event, origin).message).toMatch(/"echo@9" is unknown.*; there is "echo", "echo@1", "echo@2"$/)
})

test('anything else is told where to ask', () => {
  expect(noRoute(event, { source: 'http', address: 'POST /nowhere' })).toMatchObject({
    code: 'NO_ROUTE',
    message: expect.stringContaining('POST /nowhere (call)'),
  })
})
