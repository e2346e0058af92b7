/** Keys of controls: read off the event when it is matched, or when it is delivered; without a value there is none. */

import { expect, test } from 'vitest'
import { compileRouter } from './compile.ts'
import { event, MQTT, route, router } from './harness.ts'

const KEYED = {
  concurrency: { limit: 1, key: 'data.account' },
  rate: { limit: 1, perMs: 1_000, key: 'subject' },
  dedupe: { key: 'data.order', windowMs: 1_000 },
  debounce: { key: 'topic', waitMs: 1_000 },
}

test('a match says by what names the journal is to know the event', () => {
  const names = ({ controls, json }: { controls: object; json: object }) => {
    const [match] = router([route('r', { controls })]).match(event({ json }), MQTT)
    return { dedupe: match?.dedupe, debounce: match?.debounce }
  }
  expect(names({ controls: KEYED, json: { order: 7 } })).toEqual({ dedupe: '7', debounce: MQTT.address })
  expect(names({ controls: { dedupe: KEYED.dedupe }, json: { order: 'x' } })).toEqual({ dedupe: 'x' })
  expect(names({ controls: { dedupe: KEYED.dedupe }, json: {} })).toEqual({})
  expect(names({ controls: { debounce: { waitMs: 1 } }, json: {} })).toEqual({})
})

test('the key of a control is asked for by route; without a value, a key or a route there is none', () => {
  const asked = router([route('r', { controls: KEYED }), route('bare')])
  const given = event({ subject: 's', json: { account: 'a' } })
  expect(asked.keyOf('r', 'concurrency', given, MQTT)).toBe('a')
  expect(asked.keyOf('r', 'rate', given, MQTT)).toBe('s')
  expect(asked.keyOf('r', 'dedupe', given, MQTT)).toBeUndefined()
  expect(asked.keyOf('bare', 'rate', given, MQTT)).toBeUndefined()
  expect(asked.keyOf('none', 'rate', given, MQTT)).toBeUndefined()
})

test('a key that is no expression is a problem of its control', () => {
  const controls = { rate: { limit: 1, perMs: 1, key: 'data.' }, debounce: { key: '(', waitMs: 1 } }
  const { problems } = compileRouter([route('r', { controls })])
  expect(problems.map(({ field }) => field).sort()).toEqual(['debounce.key', 'rate.key'])
})
