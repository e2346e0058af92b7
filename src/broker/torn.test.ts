/** Which packets hold a text that ends beyond them. */

import { expect, test } from 'vitest'
import { isTorn } from './torn.ts'

const properties = (userProperties: unknown) => ({ cmd: 'publish', topic: 'a', properties: { userProperties } })

test.each([
  [{ cmd: 'publish', topic: null }, true],
  // What is no publish has no topic.
  [{ cmd: 'pingreq', topic: null }, false],
  [{ cmd: 'publish', topic: 'a', properties: { responseTopic: null } }, true],
  [{ cmd: 'publish', topic: 'a', properties: { correlationData: Buffer.from('null') } }, false],
  [properties({ k: 'v', l: ['v', 'w'] }), false],
  [properties({ k: null }), true],
  [properties({ k: ['v', null] }), true],
  [{ cmd: 'connect', will: { properties: { contentType: null } } }, true],
  [{ cmd: 'connect', will: {} }, false],
])('%j: %s', (packet, expected) => {
  expect(isTorn(packet)).toBe(expected)
})
