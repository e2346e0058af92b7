/** Templates take what an event has, and never make a topic that may not be published to. */

import { expect, test } from 'vitest'
import type { CloudEvent } from './event.ts'
import { expandTemplate } from './template.ts'

const event: CloudEvent = {
  specversion: '1.0',
  id: '7',
  source: '/s',
  type: 't',
  subject: 'a/b',
  extensions: { room: 'kitchen', floor: 2 },
  data: Buffer.from('x'),
}

test('attributes and extensions stand where they are named', () => {
  expect(expandTemplate('alarms/{subject}/{room}/{floor}', event)).toBe('alarms/a/b/kitchen/2')
  expect(expandTemplate('plain', event)).toBe('plain')
})

test('what is missing, and data, become nothing', () => {
  expect(expandTemplate('a/{nowhere}/{data}', event)).toBe('a//')
})

test('wildcards and NUL cannot be smuggled into a topic', () => {
  expect(expandTemplate('a/{subject}', { ...event, subject: '#/+/\0' })).toBe('a/_/_/_')
})
