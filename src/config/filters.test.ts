/** `filters:` of a route as it is read from YAML: what it becomes, and what is told of one that is wrong. */

import { describe, expect, test } from 'vitest'
import { FUNCTIONS, mistakes, parse } from './harness.ts'

const file = (filters: string): string =>
  `${FUNCTIONS}routes:\n  r:\n    from: any\n    to: echo\n    filters:${filters}\n`

test('every dialect is read, the expanded form is what was written', () => {
  const written = `
      - exact: { type: order.created, sequence: "5" }
      - prefix: { source: /shop }
      - suffix: { subject: .jpg }
      - all:
          - any: [{ exact: { tenant: a } }, { exact: { tenant: b } }]
          - not: { exact: { tenant: c } }
      - sql: EXISTS subject AND source LIKE '/shop%'`
  expect(parse(file(written)).routes[0]?.filters).toEqual([
    { exact: { type: 'order.created', sequence: '5' } },
    { prefix: { source: '/shop' } },
    { suffix: { subject: '.jpg' } },
    {
      all: [{ any: [{ exact: { tenant: 'a' } }, { exact: { tenant: 'b' } }] }, { not: { exact: { tenant: 'c' } } }],
    },
    { sql: "EXISTS subject AND source LIKE '/shop%'" },
  ])
})

test('an empty list passes all, as the specification has it', () => {
  expect(parse(file(' []')).routes[0]?.filters).toEqual([])
})

describe('a mistake', () => {
  test.each<[string, string, string]>([
    [
      'an unknown dialect',
      ' [{ exat: { type: a } }]',
      '6:17 routes.r.filters.0.exat: "exat" is not known here | did you mean "exact"?',
    ],
    [
      'no dialect',
      ' [{}]',
      '6:15 routes.r.filters.0: expected one of exact, prefix, suffix, all, any, not, sql, got none',
    ],
    ['two dialects', ' [{ exact: { type: a }, prefix: { type: b } }]', 'exact and prefix: a filter has one of them'],
    ['no list', ' { exact: { type: a } }', '6:14 routes.r.filters: expected a list, got a mapping'],
    ['an empty all', ' [{ all: [] }]', '6:22 routes.r.filters.0.all: expected at least 1 entry, got none'],
    ['an empty any', ' [{ not: { any: [] } }]', 'routes.r.filters.0.not.any: expected at least 1 entry, got none'],
    ['a list under not', ' [{ not: [{ sql: "true" }] }]', 'routes.r.filters.0.not: expected a mapping, got a list'],
    ['no attribute', ' [{ exact: {} }]', 'routes.r.filters.0.exact: expected an attribute and its text'],
    ['empty text', ' [{ prefix: { type: "" } }]', 'routes.r.filters.0.prefix.type: expected text, got empty text'],
    ['no text', ' [{ exact: { sequence: 5 } }]', 'routes.r.filters.0.exact.sequence: expected text, got 5'],
    [
      'an attribute in capitals',
      ' [{ exact: { Type: a } }]',
      '6:26 routes.r.filters.0.exact.Type: "Type" is no attribute; did you mean "type"?',
    ],
    [
      'an attribute that is none',
      ' [{ exact: { my-ext: a } }]',
      '"my-ext" is no attribute; a name has lower-case letters and digits',
    ],
    ['data', ' [{ suffix: { data: a } }]', '"data" is no attribute; `when` reads data'],
    [
      'an expression that is none',
      ' [{ sql: type = }]',
      '6:28 routes.r.filters.0.sql: this is no CESQL expression: it ends too early',
    ],
    [
      'an unknown function',
      ` [{ sql: "id = 'a' AND LENGHT(id) = 1" }]`,
      '6:36 routes.r.filters.0.sql: there is no function LENGHT; did you mean LENGTH?',
    ],
    ['no condition', ' [{ sql: LENGTH(id) }]', 'routes.r.filters.0.sql: expected a condition, got an integer'],
    [
      'an expression in a block',
      `\n      - sql: >-\n          id = 'a'\n          AND id == 'b'`,
      '9:19 routes.r.filters.0.sql: this is no CESQL expression: unexpected =; one = will do',
    ],
  ])('%s', (_, filters, expected) => {
    const found = mistakes(file(filters))
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(expected)
  })

  test('is told with all others of the file', () => {
    const found = mistakes(
      `${FUNCTIONS}routes:\n  r:\n    from: any\n    to: ecko\n    when: typ == 1\n    filters:\n      - exat: { a: b }\n      - sql: type =\n      - all: [{ sql: "1" }, { any: [] }]\n`,
    )
    expect(found.map((line) => line.split(' ', 2)[1])).toEqual([
      'routes.r.to:',
      'routes.r.when:',
      'routes.r.filters.0.exat:',
      'routes.r.filters.1.sql:',
      'routes.r.filters.2.all.0.sql:',
      'routes.r.filters.2.all.1.any:',
    ])
  })

  test.each([
    [
      'an expression of 64 KiB',
      ` [{ sql: "true${' AND true'.repeat(8_000)}" }]`,
      /the expression has 72004 characters; at most 4096/,
    ],
    ['200 brackets', ` [{ sql: "${'('.repeat(200)}true${')'.repeat(200)}" }]`, /nests deeper than 64/],
    ['__proto__', ' [{ exact: { __proto__: a, type: b } }]', /this key is refused/],
  ])('hostile: %s', (_, filters, expected) => {
    const found = mistakes(file(filters))
    expect(found).toEqual([expect.stringMatching(expected)])
    expect(Object.prototype).not.toHaveProperty('a')
  })

  test('filters in filters nest no deeper than any file does', () => {
    const [found] = mistakes(file(` [${'{ not: '.repeat(60)}{ sql: "true" }${' }'.repeat(60)}]`))
    expect(found).toMatch(/nests deeper than/)
  })
})
