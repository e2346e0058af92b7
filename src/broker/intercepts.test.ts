/** Who takes a publish. */

import { expect, test } from 'vitest'
import { Intercepts } from './intercepts.ts'

test('an ingress takes a publish once, however many of its filters match', () => {
  const intercepts = new Intercepts()
  const [one, other] = [async () => {}, async () => {}]
  const end = intercepts.add(['service/echo', 'service/+', '#'], one)
  intercepts.add(['service/#'], other)
  expect(new Set(intercepts.match('service/echo'))).toEqual(new Set([one, other]))
  expect(intercepts.match('service/echo')).toHaveLength(2)
  expect(intercepts.match('elsewhere')).toEqual([one])
  end()
  expect(intercepts.match('service/echo')).toEqual([other])
})
