/** Weighted targets: shares, stability per key, and how little moves when a weight changes. */

import { describe, expect, test } from 'vitest'
import { event, MQTT, route, router } from './harness.ts'
import type { Target } from './route.ts'
import { choose } from './weights.ts'

const fn = (name: string): Target => ({ kind: 'function', text: name, name })
const weighted = (weights: Readonly<Record<string, number>>) =>
  route('r', { to: Object.keys(weights).map(fn), weights: Object.values(weights) })

const KEYS = Array.from({ length: 10_000 }, (_, at) => `key-${at}`)
const spread = (weights: Readonly<Record<string, number>>): ReadonlyMap<string, string> => {
  const made = weighted(weights)
  return new Map(KEYS.map((subject) => [subject, choose(made, event({ subject }), undefined)?.target.text ?? '']))
}
const count = (chosen: ReadonlyMap<string, string>, name: string): number =>
  [...chosen.values()].filter((each) => each === name).length

describe('weights', () => {
  test('each target gets its share; one of weight 0 gets nothing', () => {
    const chosen = spread({ a: 90, b: 10, c: 0 })
    expect(count(chosen, 'a')).toBeGreaterThan(8_800)
    expect(count(chosen, 'b')).toBeGreaterThan(800)
    expect(count(chosen, 'c')).toBe(0)
  })

  test('a changed weight moves keys to that target alone, and no more than the share that it gained', () => {
    const before = spread({ a: 60, b: 30, c: 10 })
    const after = spread({ a: 60, b: 30, c: 20 })
    const moved = KEYS.filter((key) => before.get(key) !== after.get(key))
    expect(moved.every((key) => after.get(key) === 'c')).toBe(true)
    // From a tenth to 20 of 110: 8.2 % of the keys.
    expect(moved.length).toBeGreaterThan(600)
    expect(moved.length).toBeLessThan(1_050)
  })

  test('weights that stand in the same ratio, in another order, choose the same', () => {
    expect([...spread({ a: 9, b: 1 })]).toEqual([...spread({ b: 10, a: 90 })])
  })

  test('the key is order_by, else the subject, else source and id', () => {
    const made = weighted({ a: 1, b: 1 })
    expect(choose(made, event({ subject: 's' }), '7')?.by).toBe('order_by "7"')
    expect(choose(made, event({ subject: 's' }), undefined)?.by).toBe('subject "s"')
    expect(choose(made, event({ id: 'i' }), undefined)?.by).toBe('source and id "/test i"')
    expect(choose(route('r'), event(), undefined)).toBeUndefined()
  })

  test('a match names the one target, by the key of the route; so does the verdict', () => {
    const made = router([{ ...weighted({ a: 1, b: 1, c: 1 }), orderBy: 'data.account' }])
    const targets = Array.from({ length: 50 }, (_, at) => {
      const given = event({ id: `${at}`, subject: `${at}`, json: { account: 'x' } })
      const [match] = made.match(given, MQTT)
      expect(made.explain(given, MQTT)[0]).toMatchObject({ takes: true, to: match?.target?.text, by: 'order_by "x"' })
      return match?.target?.text
    })
    expect(new Set(targets).size).toBe(1)
    expect(router([route('r')]).match(event(), MQTT)[0]).not.toHaveProperty('target')
  })
})
