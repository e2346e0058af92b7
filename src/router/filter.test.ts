/** The filter dialects: the tables of the Subscriptions API, their place in the index, and what a verdict says of them. */

import { describe, expect, test } from 'vitest'
import type { CloudEvent, ExtensionValue } from '../event/index.ts'
import { compileRouter } from './compile.ts'
import { event, MQTT, route, router } from './harness.ts'
import type { Filter, Route } from './route.ts'
import { compileRule } from './rule.ts'

const PUSH = event({
  type: 'com.github.push',
  source: 'https://github.com/cloudevents/spec',
  subject: 'branch/main',
  extensions: { sequence: 5, signed: true, tenant: 'acme' },
})

const passes = (filters: readonly Filter[], given: CloudEvent = PUSH): boolean =>
  router([route('r', { filters })]).match(given, MQTT).length === 1

const yes: Filter = { exact: { type: 'com.github.push' } }
const no: Filter = { exact: { type: 'com.github.pull' } }

describe('a dialect', () => {
  test.each<[Filter, boolean]>([
    [{ exact: { type: 'com.github.push' } }, true],
    [{ exact: { type: 'com.github.PUSH' } }, false],
    [{ exact: { type: 'com.github' } }, false],
    [{ exact: { type: 'com.github.push', subject: 'branch/main' } }, true],
    [{ exact: { type: 'com.github.push', subject: 'branch/dev' } }, false],
    [{ exact: { specversion: '1.0', id: '1' } }, true],
    [{ exact: { dataschema: 'x' } }, false],
    [{ exact: { tenant: 'acme' } }, true],
    [{ exact: { tenant: 'other' } }, false],
    [{ exact: { sequence: '5' } }, true],
    [{ exact: { sequence: '05' } }, false],
    [{ exact: { signed: 'true' } }, true],
    [{ prefix: Object.fromEntries([['constructor', 'function']]) }, false],
    [{ prefix: { type: 'com.github.' } }, true],
    [{ prefix: { type: 'com.Github.' } }, false],
    [{ prefix: { type: 'com.github.', subject: 'branch' } }, true],
    [{ prefix: { type: 'com.github.', subject: 'tag' } }, false],
    [{ prefix: { dataschema: 'x' } }, false],
    [{ suffix: { type: '.push' } }, true],
    [{ suffix: { type: '.Push' } }, false],
    [{ suffix: { type: '.push', source: '/spec' } }, true],
    [{ suffix: { type: '.push', source: '/sdk' } }, false],
    [{ suffix: { dataschema: 'x' } }, false],
    [{ all: [yes] }, true],
    [{ all: [yes, yes] }, true],
    [{ all: [yes, no] }, false],
    [{ all: [no, no] }, false],
    [{ any: [yes] }, true],
    [{ any: [no, yes] }, true],
    [{ any: [no, no] }, false],
    [{ not: yes }, false],
    [{ not: no }, true],
    [{ not: { exact: { dataschema: 'x' } } }, true],
    [{ not: { not: yes } }, true],
    [{ all: [{ any: [no, { prefix: { source: 'https:' } }] }, { not: no }] }, true],
    [{ sql: "source LIKE '%cloudevents%'" }, true],
    [{ sql: "type = 'com.github.pull'" }, false],
    [{ sql: 'signed' }, true],
    [{ sql: 'sequence' }, false],
    [{ sql: 'sequence = 5' }, true],
    [{ sql: "dataschema = 'x'" }, false],
    [{ not: { sql: "dataschema = 'x'" } }, true],
    [{ sql: "NOT (dataschema = 'x')" }, false],
    [{ sql: '1 / 0 = 0 OR true' }, false],
  ])('%j: %s', (filter, expected) => expect(passes([filter])).toBe(expected))

  test('all filters of a route must pass, and none passes all', () => {
    expect(passes([])).toBe(true)
    expect(passes([yes, { prefix: { subject: 'branch/' } }])).toBe(true)
    expect(passes([yes, { prefix: { subject: 'tag/' } }])).toBe(false)
  })

  test('both `when` and the filters must hold', () => {
    const taken = (when: string, filters: readonly Filter[]): boolean =>
      router([route('r', { when, filters })]).match(PUSH, MQTT).length === 1
    expect(taken('type == "com.github.push"', [{ suffix: { source: '/spec' } }])).toBe(true)
    expect(taken('type == "com.github.push"', [{ suffix: { source: '/sdk' } }])).toBe(false)
    expect(taken('type == "other"', [yes])).toBe(false)
    expect(taken('subject.endsWith("main")', [yes])).toBe(true)
  })
})

describe('the index', () => {
  const equality = (given: Partial<Route>) => compileRule(route('r', given), 0, () => undefined)

  test('is built on exact filters at the top', () => {
    expect(equality({ filters: [yes] })).toMatchObject({ equality: { name: 'type', values: ['com.github.push'] } })
    expect(equality({ filters: [yes] })?.test).toBeUndefined()
    expect(equality({ filters: [{ all: [yes, { prefix: { id: 'a' } }] }] })?.equality?.name).toBe('type')
    expect(equality({ filters: [{ exact: { id: 'a', type: 'b' } }] })).toMatchObject({
      equality: { name: 'type', values: ['b'] },
      test: expect.any(Function),
    })
    expect(equality({ when: 'subject == "a"', filters: [{ exact: { source: '/b' } }] })?.equality?.name).toBe('source')
    expect(equality({ when: 'type == "a"', filters: [{ exact: { source: '/b' } }] })?.equality?.name).toBe('type')
  })

  test('leaves out what does not have to be equal, and extensions, which may be numbers', () => {
    for (const filter of [{ any: [yes, no] }, { not: yes }, { exact: { tenant: 'a' } }] satisfies Filter[])
      expect(equality({ filters: [filter] })?.equality).toBeUndefined()
  })

  test('finds one of many routes', () => {
    const routes = Array.from({ length: 50 }, (_, at) => route(`r${at}`, { filters: [{ exact: { type: `t${at}` } }] }))
    expect(router(routes).match(event({ type: 't7' }), MQTT)).toMatchObject([{ route: { name: 'r7' } }])
  })

  test('the body is not read for a filter', () => {
    const unread = { ...event(), datacontenttype: 'application/json' }
    Object.defineProperty(unread, 'data', {
      enumerable: true,
      get: () => {
        throw new Error('read')
      },
    })
    expect(passes([{ sql: "type = 'order.created'" }, { prefix: { id: '1' } }], unread)).toBe(true)
    expect(router([route('r', { when: 'data.x > 1', filters: [no] })]).match(unread, MQTT)).toEqual([])
  })
})

describe('a verdict names the filter that said no, and what it saw', () => {
  test.each<[readonly Filter[], string, string]>([
    [[no], 'filters[0].exact.type "com.github.pull"', 'type = "com.github.push"'],
    [[yes, { prefix: { id: '1', subject: 'tag/' } }], 'filters[1].prefix.subject "tag/"', 'subject = "branch/main"'],
    [[{ suffix: { dataschema: '.json' } }], 'filters[0].suffix.dataschema ".json"', 'dataschema = absent'],
    [
      [{ all: [yes, { all: [no] }] }],
      'filters[0].all[1].all[0].exact.type "com.github.pull"',
      'type = "com.github.push"',
    ],
    [[{ any: [no, { sql: 'sequence > 5' }] }], 'filters[0].any', 'type = "com.github.push", sequence = 5'],
    [[{ not: yes }], 'filters[0].not', 'type = "com.github.push"'],
    [[{ sql: "type = 'com.github.push' AND sequence > 5" }], 'filters[0].sql sequence > 5', 'sequence = 5'],
    [
      [{ sql: "EXISTS subject AND (dataschema = 'x' OR signed)" }],
      "filters[0].sql (dataschema = 'x' OR signed)",
      'dataschema = absent, signed = true, error: the event has no dataschema',
    ],
    [
      [{ sql: 'INT(subject) > 5' }],
      'filters[0].sql INT(subject) > 5',
      `subject = "branch/main", error: 'branch/main' is no 32-bit integer`,
    ],
    [[{ sql: 'sequence' }], 'filters[0].sql sequence', 'sequence = 5'],
    [[{ sql: 'false' }], 'filters[0].sql false', ''],
  ])('%j', (filters, clause, saw) => {
    expect(router([route('r', { filters })]).explain(PUSH, MQTT)).toEqual([{ route: 'r', takes: false, clause, saw }])
  })

  test('and that all pass', () => {
    expect(router([route('r', { filters: [yes] })]).explain(PUSH, MQTT)).toEqual([{ route: 'r', takes: true }])
  })
})

test('every bad expression is told of, with its path; the route takes nothing', () => {
  const filters: Filter[] = [{ all: [yes, { sql: 'type =' }] }, { any: [{ not: { sql: 'LENGHT(id) = 1' } }] }]
  const { problems, router } = compileRouter([route('a', { filters, when: 'typ == 1' }), route('b')])
  expect(problems).toEqual([
    { route: 'a', field: 'when', offset: 0, message: expect.stringMatching(/did you mean "type"/) },
    {
      route: 'a',
      field: 'filters',
      path: [0, 'all', 1, 'sql'],
      offset: 6,
      message: expect.stringMatching(/too early/),
    },
    {
      route: 'a',
      field: 'filters',
      path: [1, 'any', 0, 'not', 'sql'],
      offset: 0,
      message: expect.stringMatching(/LENGTH/),
    },
  ])
  expect(router.match(PUSH, MQTT).map((match) => match.route.name)).toEqual(['b'])
})

test('an extension is compared as its text, whatever its type', () => {
  const held: readonly ExtensionValue[] = [7, true, 'x']
  for (const value of held)
    expect(passes([{ exact: { ext: String(value) } }], event({ extensions: { ext: value } }))).toBe(true)
})
