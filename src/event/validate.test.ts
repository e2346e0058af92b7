/** Every attribute rule, kept and broken. */

import { expect, test } from 'vitest'
import type { CloudEvent } from './event.ts'
import { validateEvent } from './validate.ts'

const GOOD: CloudEvent = { specversion: '1.0', id: '1', source: '/s', type: 't' }
const problems = (change: object) => validateEvent({ ...GOOD, ...change }).join('; ')

test.each<[string, unknown[], unknown[]]>([
  ['id', ['a', 'ü', ' '], ['', 7, null, 'a\u0007', '\ufffe', 'x'.repeat(65_537)]],
  [
    'source',
    [
      '/s',
      'urn:uuid:6e8bc430',
      'https://u@h:1/p?q=[#f'.replace('[', ''),
      'a',
      '//[::1]:80/x',
      '#f',
      '/a%20b',
      'mailto:a@b',
      './a:b',
    ],
    ['', 'a b', '/ü', '/a%2', '/{x}', '1:a', '//[x]/', 'a#b#c', '/a\\b', '//h:x/'],
  ],
  ['type', ['com.example.order'], ['', 'a\nb']],
  ['subject', ['a b/ü'], ['', 'a\u0080']],
  [
    'time',
    ['2026-01-31T12:00:00Z', '2024-02-29t00:00:00.123456789z', '2016-12-31T23:59:60Z', '2026-01-31T12:00:00+05:30'],
    [
      'yesterday',
      '2026-01-31',
      '2026-02-29T00:00:00Z',
      '2026-13-01T00:00:00Z',
      '2026-01-31T24:00:00Z',
      '2026-01-31 12:00:00Z',
      '2026-01-31T12:00:00',
      '',
    ],
  ],
  [
    'datacontenttype',
    [
      'application/json',
      'Text/Plain; charset=UTF-8',
      'text/plain;charset=utf-8',
      'a/b; x="y;z"',
      'application/vnd.a+json',
    ],
    ['json', 'text/', 'a/b/c', 'text/plain; charset', '', 'text /plain'],
  ],
  ['dataschema', ['https://example.com/s', 'urn:x:y'], ['/s', 's', '']],
  ['specversion', ['1.0'], ['0.3', '1', 1]],
])('%s', (name, good, bad) => {
  for (const value of good) expect(problems({ [name]: value })).toBe('')
  for (const value of bad) expect(problems({ [name]: value }), JSON.stringify(value)).toContain(`"${name}"`)
})

test('names every broken rule, and never throws', () => {
  const nothing = {} as unknown as CloudEvent
  expect(validateEvent(nothing)).toHaveLength(4)
})

test('extensions: names, values, and those that shadow an attribute', () => {
  expect(problems({ extensions: { a1: 'x', n: -2147483648, b: false, empty: '' } })).toBe('')
  expect(problems({ extensions: { 'a-b': 'x' } })).toContain('"a-b" cannot name an extension')
  expect(problems({ extensions: { data: 'x' } })).toContain('"data" cannot name')
  expect(problems({ extensions: { id: 'x' } })).toContain('"id" is an attribute of the specification')
  expect(problems({ extensions: { e: Number.NaN } })).toContain('numbers are whole')
  expect(problems({ extensions: { e: 'a\u0000' } })).toContain('control characters')
  expect(problems({ data: 'text' })).toBe('"data" is not bytes')
})

test('a value in an error is escaped and short', () => {
  const problem = problems({ time: `\r\n${'x'.repeat(5_000)}` })
  expect(problem.length).toBeLessThan(250)
  expect(problem).not.toMatch(/[\r\n]/)
})

test.each([
  ['subject', 'x'.repeat(65_536)],
  ['subject', 'ü'.repeat(32_768)],
  ['big', '\u20ac'.repeat(21_846)],
])('%s of more than 65,535 bytes is refused: MQTT could not carry it', (name, text) => {
  const event = { specversion: '1.0', id: 'i', source: '/s', type: 't' } as const
  const withText = (value: string) =>
    name === 'subject' ? { ...event, subject: value } : { ...event, extensions: { [name]: value } }
  const [problem = ''] = validateEvent(withText(text))
  expect(problem).toContain(`has ${Buffer.byteLength(text)} bytes; at most 65535 are taken`)
  expect(validateEvent(withText(Buffer.from(text).subarray(0, 65_534).toString().replaceAll('\ufffd', '')))).toEqual([])
})
