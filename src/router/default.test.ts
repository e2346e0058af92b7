/** Routes that stand by for what no other takes. */

import { describe, expect, test } from 'vitest'
import { event, MQTT, route, router } from './harness.ts'
import type { Route } from './route.ts'

const orders = route('orders', { when: 'type == "order.created"' })
const rest = route('rest', { from: [{ kind: 'mqtt', filter: 'sensors/#' }], default: true })
const names = (routes: readonly Route[], type: string, origin = MQTT): string[] =>
  router(routes)
    .match(event({ type }), origin)
    .map(({ route: { name } }) => name)

describe('a default route', () => {
  test('takes what no other takes, wherever it stands', () => {
    for (const routes of [
      [orders, rest],
      [rest, orders],
    ]) {
      expect(names(routes, 'order.created')).toEqual(['orders'])
      expect(names(routes, 'other')).toEqual(['rest'])
    }
  })

  test('takes from where it says, and what its expression says', () => {
    expect(names([orders, rest], 'other', { source: 'http', address: 'POST /events' })).toEqual([])
    const picky = { ...rest, when: 'type == "mine"' }
    expect(names([orders, picky], 'other')).toEqual([])
    expect(names([orders, picky], 'mine')).toEqual(['rest'])
  })

  test('does not keep another from what it takes: none of them is before the others', () => {
    expect(names([rest, orders, { ...rest, name: 'rest-2' }], 'other')).toEqual(['rest', 'rest-2'])
  })

  test('has key, weights and names as any route', () => {
    const to = ['a', 'b'].map((text) => ({ kind: 'function', text, name: text }) as const)
    const keyed = { ...rest, orderBy: 'type', to, weights: [0, 1] }
    expect(router([orders, keyed]).match(event({ type: 'x' }), MQTT)).toMatchObject([
      { key: 'x', target: { name: 'b' } },
    ])
  })

  test('says whose the event is when it does not take it; and otherwise what is wrong', () => {
    const { explain } = { explain: (type: string) => router([rest, orders]).explain(event({ type }), MQTT) }
    expect(explain('order.created')).toEqual([
      { route: 'rest', takes: false, clause: 'default', saw: 'orders' },
      { route: 'orders', takes: true },
    ])
    expect(explain('other')).toEqual([
      { route: 'rest', takes: true },
      { route: 'orders', takes: false, clause: 'type == "order.created"', saw: 'type = "other"' },
    ])
    const [verdict] = router([rest, orders]).explain(event(), { source: 'http', address: 'POST /events' })
    expect(verdict).toMatchObject({ takes: false, clause: 'from' })
  })
})
