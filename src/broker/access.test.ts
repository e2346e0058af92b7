/** What anybody may publish to. */

import { expect, test } from 'vitest'
import { mayPublish } from './access.ts'

test.each([
  ['a/b/c', true],
  ['a/b/c/d', false],
  ['', false],
  ['a/+', false],
  ['$SYS/x', false],
  ['x'.repeat(65_536), false],
])('%.20s may be published to: %s', (topic, may) => {
  expect(mayPublish(topic, { max_topic_levels: 3 })).toBe(may)
})
