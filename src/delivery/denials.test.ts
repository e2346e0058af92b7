/** What calls were denied is remembered for a while, each message once. */

import { expect, test } from 'vitest'
import { Denials } from './denials.ts'

test('of a call each message once, over all its attempts and functions', () => {
  const denials = new Denials()
  for (const message of ['a', 'b', 'a', 'c']) denials.add({ function: 'f', callId: 'c', message })
  denials.add({ function: 'g', callId: 'c', message: 'a' })
  expect(denials.of('c')).toEqual([
    { function: 'f', message: 'a' },
    { function: 'f', message: 'b' },
    { function: 'f', message: 'c' },
    { function: 'g', message: 'a' },
  ])
  expect(denials.of('d')).toEqual([])
})

test('of the last 1,024 calls, and 32 messages of one', () => {
  const denials = new Denials()
  for (let call = 0; call < 1_030; call++) denials.add({ function: 'f', callId: `c${call}`, message: 'a' })
  expect(denials.of('c5')).toEqual([])
  expect(denials.of('c6')).toHaveLength(1)
  for (let at = 0; at < 40; at++) denials.add({ function: 'f', callId: 'c6', message: `m${at}` })
  denials.add({ function: 'f', callId: 'new', message: 'a' })
  // The one that was told of last is remembered longest.
  expect(denials.of('c6')).toHaveLength(32)
  expect(denials.of('c7')).toEqual([])
})
