/** Topic filters: against the rules of MQTT read word by word. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isOwn, parseShared, publishProblem, SHARE, TopicMap, topicMatches, topicProblem } from './topics.ts'

/** [MQTT-4.7] as it is written, one level after the other. */
function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/')
  const levels = topic.split('/')
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false
  for (const [i, level] of wanted.entries()) {
    if (level === '#') return true
    if (levels[i] === undefined || (level !== '+' && level !== levels[i])) return false
  }
  return wanted.length === levels.length
}

const word = fc.constantFrom('a', 'b', '', '$x')
const topic = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join('/'))
const filter = fc
  .tuple(fc.array(fc.oneof(word, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([words, open]) => (open ? [...words, '#'] : words).join('/'))

test('matches what the specification says, also after others were removed', () => {
  fc.assert(
    fc.property(fc.uniqueArray(filter, { maxLength: 12 }), topic, (filters, name) => {
      const map = new TopicMap<string>()
      for (const each of filters) map.add(each, each)
      const gone = filters.filter((_, i) => i % 3 === 0)
      for (const each of gone) map.remove(each, each)
      const kept = filters.filter((each) => !gone.includes(each))
      expect(map.match(name).toSorted()).toEqual(kept.filter((each) => matches(each, name)).toSorted())
    }),
  )
})

test("what may be published to, and what is the broker's own", () => {
  for (const bad of ['', 'a/+', '#', 'a\u0000', '$SYS/x', '$share/g/t']) expect(topicProblem(bad)).toBeTypeOf('string')
  for (const good of ['a', '/', '$other/x', 'a b']) expect(topicProblem(good)).toBeUndefined()
  expect([isOwn('$SYS/broker'), isOwn('$SYSTEM'), isOwn('SYS/x')]).toEqual([true, false, false])
  expect(topicMatches('+/#', 'a/b')).toBe(true)
})

test('a shared subscription has a group without wildcards, and a filter', () => {
  expect(parseShared('$share/g/a/+', SHARE)).toEqual({ group: 'g', filter: 'a/+' })
  for (const bad of ['$share/g', '$share//a', '$share/+/a', 'share/g/a'])
    expect(parseShared(bad, SHARE)).toBeUndefined()
})

test('what the gateway itself is to publish on is a topic of so many levels, and bytes, at most', () => {
  expect(publishProblem('a/b/c', 3)).toBeUndefined()
  expect(publishProblem('a/b/c/d', 3)).toContain('levels')
  expect(publishProblem('ü'.repeat(40_000), 3)).toContain('bytes')
  expect(publishProblem('a/+', 3)).toContain('wildcard')
  expect(publishProblem('$SYS/a', 3)).toContain('$SYS')
  expect(publishProblem('', 3)).toBeDefined()
})
