/** Checks an order, answers its totals, and emits `order.accepted`. */

import { dataOf, define, emit, json, Rejected } from '../js/kit.js'

export const handle = define((event) => {
  if (event.type === 'headgate.warmup') return {}
  const order = dataOf(event)
  const items = itemsOf(order)
  const totals = new Map()
  for (const { currency, price, quantity } of items)
    totals.set(currency, (totals.get(currency) ?? 0) + Math.round(price * 100) * quantity)
  const summary = {
    orderId: order.orderId,
    lines: items.length,
    units: items.reduce((sum, { quantity }) => sum + quantity, 0),
    totals: Object.fromEntries([...totals].map(([currency, cents]) => [currency, cents / 100])),
  }
  return {
    reply: json(summary),
    // The same id on every attempt: whoever takes it can tell a repeated one.
    events: [emit('/functions/order-summary', 'order.accepted', `${event.id}/accepted`, summary)],
  }
})

function itemsOf(order) {
  if (typeof order !== 'object' || order === null) throw invalid('the order is not an object')
  if (order.orderId === undefined) throw invalid('orderId is missing')
  if (!Array.isArray(order.items) || order.items.length === 0) throw invalid('items is missing or empty')
  return order.items.map(({ price, quantity = 1, currency = 'EUR' } = {}, index) => {
    if (!(price >= 0)) throw invalid(`items[${index}].price is not a number of 0 or more`)
    if (!Number.isInteger(quantity) || quantity < 1)
      throw invalid(`items[${index}].quantity is not a whole number of 1 or more`)
    return { price, quantity, currency }
  })
}

const invalid = (message) => new Rejected('validation', 'ORDER_INVALID', message)
