/** The scan takes what JSON.parse takes, refuses what it refuses, and finds each value where it lies. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkJson } from './json.ts'
import { scanObject } from './scan.ts'

const takes = (read: () => unknown): boolean => {
  try {
    read()
    return true
  } catch {
    return false
  }
}

test.each([
  '-0',
  '0',
  '-1.5e+10',
  '1E5',
  '0.0',
  '""',
  '"\\u00e9\\n\\/"',
  ' [ ] ',
  '{ }',
  '[[],{}]',
  '\t\n\r 1 ',
  '{"a":{"b":[1,2]}}',
  '',
  ' ',
  '-',
  '01',
  '1.',
  '.5',
  '1e',
  '1e+',
  '+1',
  '"',
  '"\\',
  '"\\x"',
  '"\\u12g4"',
  '"\\u12',
  '"\n"',
  '[',
  '[1',
  '[1,',
  '[1,]',
  '[,1]',
  '{',
  '{"a"',
  '{"a":',
  '{"a":1',
  '{"a":1,',
  '{"a":1,}',
  '{a:1}',
  '{1:1}',
  '{"a" 1}',
  '[1 2]',
  '[1}',
  '{"a":1]',
  'tru',
  'nul',
  'truex',
  'NaN',
  '1 1',
  '[]]',
  '\u000b1',
  '\ufeff1',
  '\u00a01',
  "'a'",
  '//',
  '{"a":1}}',
])('%j', (text) => {
  const native = takes(() => JSON.parse(text))
  expect(takes(() => checkJson(Buffer.from(text)))).toBe(native)
})

test('any JSON, and JSON with bytes changed, cut out or put in', () => {
  const alphabet = fc.constantFrom(...'{}[]":,\\0123456789-+.eEtrufalsn \n\té\u0001')
  const changed = fc
    .tuple(fc.json({ maxDepth: 5 }), fc.array(fc.tuple(fc.nat(), fc.nat(2), alphabet), { maxLength: 3 }))
    .map(([text, edits]) =>
      edits.reduce((now, [at, cut, put]) => {
        const place = at % (now.length + 1)
        return now.slice(0, place) + put + now.slice(place + cut)
      }, text),
    )
    .filter((text) => text.isWellFormed())
  const property = fc.property(changed, (text) => {
    const native = takes(() => JSON.parse(text))
    expect([text, takes(() => checkJson(Buffer.from(text)))]).toEqual([text, native])
  })
  fc.assert(property, { numRuns: 2_000 })
})

test('finds each member of an object', () => {
  const objects = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true })
  const property = fc.property(objects, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
    const text = JSON.stringify(value, undefined, indent)
    const found: [string, unknown][] = []
    scanObject(text, (key, start, end) => found.push([JSON.parse(`"${key}"`), JSON.parse(text.slice(start, end))]))
    expect(found).toEqual(Object.entries(JSON.parse(text)))
  })
  fc.assert(property)
})
