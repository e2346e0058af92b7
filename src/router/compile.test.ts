/** Routes that match, routes that do not and why, and the index against asking each route in turn. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CloudEvent, ExtensionValue, Origin } from '../event/index.ts'
import { compileRouter } from './compile.ts'
import type { From, Route } from './route.ts'
import { compileRule, holds } from './rule.ts'
import { Variables } from './variables.ts'
import { takes } from './verdict.ts'

const ANY: From = { kind: 'any' }

const route = (name: string, given: Partial<Route> = {}): Route => ({
  name,
  from: [ANY],
  to: [{ kind: 'function', text: 'echo', name: 'echo' }],
  retry: { max: 0, backoff: 'exponential', delayMs: 1_000, capMs: 60_000, jitter: 'full', except: [] },
  concurrency: 16,
  timeoutMs: 30_000,
  delivery: 'auto',
  ...given,
})

const event = (given: Partial<CloudEvent> & { json?: unknown } = {}): CloudEvent => {
  const { json, ...attributes } = given
  const data =
    json === undefined ? {} : { data: Buffer.from(JSON.stringify(json)), datacontenttype: 'application/json' }
  return { specversion: '1.0', id: '1', source: '/test', type: 'order.created', ...data, ...attributes }
}

const MQTT: Origin = { source: 'mqtt', address: 'sensors/7/temperature' }

const router = (routes: readonly Route[]) => {
  const { router, problems } = compileRouter(routes)
  expect(problems).toEqual([])
  return router
}

const names = (routes: readonly Route[], given: CloudEvent, origin = MQTT): string[] =>
  router(routes)
    .match(given, origin)
    .map((match) => match.route.name)

const taken = (when: string, given: CloudEvent, origin = MQTT): boolean =>
  names([route('r', { when })], given, origin).length === 1

describe('from', () => {
  const from = (...list: From[]) => [route('r', { from: list })]
  test.each<[From, Origin, boolean]>([
    [{ kind: 'mqtt', filter: 'sensors/+/temperature' }, MQTT, true],
    [{ kind: 'mqtt', filter: 'sensors/+' }, MQTT, false],
    [{ kind: 'mqtt', filter: 'sensors/#' }, MQTT, true],
    [{ kind: 'mqtt', filter: 'sensors/7/temperature/#' }, MQTT, true],
    [{ kind: 'mqtt', filter: '#' }, { source: 'mqtt', address: '$SYS/uptime' }, false],
    [{ kind: 'mqtt', filter: '+/uptime' }, { source: 'mqtt', address: '$SYS/uptime' }, false],
    [{ kind: 'mqtt', filter: '$SYS/#' }, { source: 'mqtt', address: '$SYS/uptime' }, true],
    [{ kind: 'mqtt', filter: '+' }, { source: 'mqtt', address: '' }, true],
    [{ kind: 'mqtt', filter: '/+' }, { source: 'mqtt', address: '/' }, true],
    [{ kind: 'mqtt', filter: 'POST /a' }, { source: 'http', address: 'POST /a' }, false],
    [{ kind: 'mqtt', filter: 'constructor' }, { source: 'mqtt', address: '__proto__' }, false],
    [{ kind: 'http', method: 'POST', path: '/a/*' }, { source: 'http', address: 'POST /a/b/c' }, true],
    [{ kind: 'http', method: 'POST', path: '/a/*' }, { source: 'http', address: 'POST /a' }, false],
    [{ kind: 'http', method: 'POST', path: '/a/b*' }, { source: 'http', address: 'POST /a/bc' }, true],
    [{ kind: 'http', method: 'POST', path: '/a/b*' }, { source: 'http', address: 'POST /a/c' }, false],
    [{ kind: 'http', method: '*', path: '/a/:id' }, { source: 'http', address: 'PUT /a/7' }, true],
    [{ kind: 'http', method: '*', path: '/a/:id' }, { source: 'http', address: 'PUT /a/' }, false],
    [{ kind: 'http', method: 'POST', path: '/a/:id' }, { source: 'http', address: 'PUT /a/7' }, false],
    [{ kind: 'source', source: 'orders' }, { source: 'orders', address: 'x' }, true],
    [{ kind: 'source', source: 'orders', address: 'y' }, { source: 'orders', address: 'x' }, false],
    [{ kind: 'source', source: 'function', address: 'echo' }, { source: 'function', address: 'echo' }, true],
    [ANY, { source: 'whatever', address: '' }, true],
  ])('%j and %j: %s', (given, origin, expected) => {
    expect(names(from(given), event(), origin)).toEqual(expected ? ['r'] : [])
    expect(takes(given, origin)).toBe(expected)
  })

  test('a route that several of its own places lead to is found once, and in the order of the configuration', () => {
    const everywhere: From[] = [{ kind: 'mqtt', filter: '#' }, ANY, { kind: 'mqtt', filter: 'sensors/+/+' }]
    expect(names([route('b', { from: everywhere }), route('a'), route('c', { from: everywhere })], event())).toEqual([
      'b',
      'a',
      'c',
    ])
  })
})

describe('when', () => {
  test.each<[string, CloudEvent]>([
    ['type == "order.created" && data.amount > 0', event({ json: { amount: 3 } })],
    ['type in ["a", "order.created"]', event()],
    ['type == "a" || type == "order.created"', event()],
    ['subject.endsWith(".jpg")', event({ subject: 'cat.jpg' })],
    ['topic.startsWith("sensors/")', event()],
    ['tenant == "acme"', event({ extensions: { tenant: 'acme' } })],
    ['sequence > 4', event({ extensions: { sequence: 5 } })],
    ['data.items.exists(item, item.price > 10)', event({ json: { items: [{ price: 3 }, { price: 11 }] } })],
    ['has(data.amount) && !has(data.price)', event({ json: { amount: 1 } })],
    ['has(event.subject) ? false : true', event()],
    ['data == "plain"', event({ data: Buffer.from('plain'), datacontenttype: 'text/plain' })],
    ['data.constructor.name == "x"', event({ json: { constructor: { name: 'x' } } })],
    ['size(data.constructor) == 1', event({ json: { constructor: { name: 'x' } } })],
    ['data.a[1] == 2', event({ json: { a: [1, 2] } })],
    ['type.matches("^order\\\\.")', event()],
    ['"a\' && \\"" != "" && type == "order.created"', event()],
  ])('%s', (when, given) => expect(taken(when, given)).toBe(true))

  test.each<[string, CloudEvent]>([
    ['data.amount > 0', event({ json: { amount: 'three' } })],
    ['data.amount > 0', event({ json: {} })],
    ['data.amount > 0', event()],
    ['data.amount > 0', event({ data: Buffer.from('{'), datacontenttype: 'application/json' })],
    ['subject != "a"', event()],
    ['missing == "x" || missing != "x"', event()],
    ['constructor == "x"', event()],
  ])('%s is no match where it cannot be evaluated', (when, given) => {
    expect(taken(when, given)).toBe(false)
  })

  test('an event cannot make a loop run for long', () => {
    const when = 'data.l.all(a, data.l.all(b, data.l.all(c, a + b + c >= 0.0)))'
    const started = performance.now()
    expect(taken(when, event({ json: { l: Array.from({ length: 200 }, () => 1) } }))).toBe(false)
    expect(performance.now() - started).toBeLessThan(2_000)
    expect(taken(when, event({ json: { l: [1, 2, 3] } }))).toBe(true)
  })

  test('the body is not read unless an expression that may still match asks for it', () => {
    const unread = { ...event(), datacontenttype: 'application/json' }
    Object.defineProperty(unread, 'data', {
      enumerable: true,
      get: () => {
        throw new Error('read')
      },
    })
    expect(
      names([route('a', { when: 'type == "b" && data.x > 1' }), route('c', { when: 'type != ""' })], unread),
    ).toEqual(['c'])
  })

  test('what is thrown by no data: nesting of a hundred thousand levels', () => {
    const data = Buffer.from('['.repeat(100_000) + ']'.repeat(100_000))
    expect(taken('data == data', event({ data, datacontenttype: 'application/json' }))).toBe(false)
  })
})

test('order_by gives the key as text; no key where it cannot be evaluated', () => {
  const keyed = router([route('r', { orderBy: 'data.id' })])
  expect(keyed.match(event({ json: { id: 'a' } }), MQTT)[0]?.key).toBe('a')
  expect(keyed.match(event({ json: { id: 7 } }), MQTT)[0]?.key).toBe('7')
  expect(keyed.match(event({ json: {} }), MQTT)[0]).not.toHaveProperty('key')
})

describe('problems', () => {
  test.each([
    ['type ==', 5, /no expression/],
    ['typ == "a"', 0, /did you mean "type"/],
    ['type == "a" && amuont_ > 1', 15, /"amuont_" is not known/],
    ['type == "a" && subject.startWith("a")', 22, /did you mean "startsWith"/],
    ['type > 5', 5, /> does not take a string and an int/],
    ['type == 5', 5, /says nothing/],
    ['type', 0, /expected a condition, got a string/],
    ['  ', 0, /empty/],
    [`${'('.repeat(1_000)}true${')'.repeat(1_000)}`, 0, /nests 1000 deep/],
    [`${'!'.repeat(3_000)}true`, 0, /nests/],
    [`true${' && true'.repeat(2_000)}`, 4_096, /at most 4096/],
    [`1${'+1'.repeat(2_000)} > 0`, 0, /too deep/],
  ])('%#', (when, offset, message) => {
    const started = performance.now()
    const [problem] = compileRouter([route('r', { when })]).problems
    expect(problem).toMatchObject({ route: 'r', field: 'when', offset, message: expect.stringMatching(message) })
    expect(performance.now() - started).toBeLessThan(1_000)
  })

  test('all routes report, and those without a problem run', () => {
    const bad: From = { kind: 'mqtt', filter: 'a/#/b' }
    const { router, problems } = compileRouter([route('a', { from: [bad], orderBy: 'x +' }), route('b')])
    expect(problems.map(({ route, field }) => `${route}.${field}`)).toEqual(['a.from', 'a.order_by'])
    expect(router.match(event(), MQTT).map((match) => match.route.name)).toEqual(['b'])
    expect(router.get('a')?.name).toBe('a')
    expect(router.get('c')).toBeUndefined()
  })
})

describe('explain', () => {
  const why = (when: string, given: CloudEvent) => router([route('r', { when })]).explain(given, MQTT)[0]

  test('names the clause that failed, as written, and what it saw', () => {
    expect(why('type == "order.created" && data.amount > 0', event({ json: { amount: 0 } }))).toEqual({
      route: 'r',
      takes: false,
      clause: 'data.amount > 0',
      saw: 'data.amount = 0',
    })
  })

  test('names an origin that does not fit', () => {
    const [verdict] = router([route('r', { from: [{ kind: 'mqtt', filter: 'a' }] })]).explain(event(), MQTT)
    expect(verdict).toEqual({ route: 'r', takes: false, clause: 'from', saw: 'mqtt sensors/7/temperature' })
  })

  test('says that an evaluation gave an error', () => {
    expect(why('data.amount > 0', event({ json: { amount: 'x' } }))?.saw).toMatch(
      /^data\.amount = "x", error: found no matching overload/,
    )
  })

  test('says that a route takes the event', () => {
    expect(why('type == "order.created"', event())).toEqual({ route: 'r', takes: true })
  })
})

describe('the index agrees with asking each route in turn', () => {
  const value = fc.constantFrom('a', 'b', 'ab', '')
  const path = fc.constantFrom('type', 'subject', 'source', 'topic', 'tenant', 'data.k', 'data.k.l', 'data.n', 'data.b')
  const text = value.map((held) => JSON.stringify(held))
  const atom = fc.oneof(
    fc
      .tuple(path, fc.constantFrom('==', '!='), fc.oneof(text, fc.constantFrom('1', '2.0', 'true')))
      .map((it) => it.join(' ')),
    fc.tuple(path, fc.constantFrom('<', '<=', '>', '>='), fc.constantFrom('1', '1.5', '-1')).map((it) => it.join(' ')),
    fc.tuple(fc.constantFrom('1', '2.5'), fc.constantFrom('<', '>='), path).map((it) => it.join(' ')),
    fc.tuple(path, fc.constantFrom('startsWith', 'endsWith', 'contains'), text).map(([p, f, v]) => `${p}.${f}(${v})`),
    fc.tuple(path, text, text).map(([p, v, w]) => `${p} in [${v}, ${w}]`),
    fc.constantFrom('data.b', 'has(data.k)', 'true', 'size(data) > 1', 'tenant == "a" || tenant == "b"'),
  )
  const { when } = fc.letrec<{ when: string }>((tie) => ({
    when: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      atom,
      fc.tuple(tie('when'), tie('when')).map(([a, b]) => `${a} && ${b}`),
      fc.tuple(tie('when'), tie('when')).map(([a, b]) => `(${a} || ${b})`),
      tie('when').map((it) => `!(${it})`),
    ),
  }))
  const level = fc.constantFrom('a', 'b', '+', '')
  const from: fc.Arbitrary<From> = fc.oneof(
    fc.constant<From>(ANY),
    fc
      .tuple(fc.array(level, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([levels, rest]): From => ({ kind: 'mqtt', filter: [...levels, ...(rest ? ['#'] : [])].join('/') || '+' })),
    fc.constantFrom<From>(
      { kind: 'http', method: 'POST', path: '/a/:id' },
      { kind: 'http', method: '*', path: '/a/*' },
      { kind: 'http', method: 'POST', path: '/a/b*' },
      { kind: 'source', source: 's' },
      { kind: 'source', source: 's', address: 'a' },
    ),
  )
  const origin: fc.Arbitrary<Origin> = fc.oneof(
    fc.array(fc.constantFrom('a', 'b', '', '$x'), { minLength: 1, maxLength: 4 }).map((levels) => ({
      source: 'mqtt',
      address: levels.join('/'),
    })),
    fc.constantFrom('POST /a/b', 'PUT /a/', 'POST /a', 'POST /a/bc/d').map((address) => ({ source: 'http', address })),
    fc.constantFrom('a', '').map((address) => ({ source: 's', address })),
  )
  const field = fc.oneof(value, fc.constantFrom<unknown>(1, 2, 1.5, true, null, [1], { l: 'a' }))
  const json = fc.oneof(fc.record({ k: field, n: field, b: field }, { requiredKeys: [] }), field)
  const extension = fc.oneof(value, fc.constantFrom<ExtensionValue>(1, 2, true))
  const given = fc
    .record({
      type: value,
      source: value,
      subject: fc.option(value),
      json: fc.option(json),
      tenant: fc.option(extension),
    })
    .map(({ type, source, subject, json, tenant }) =>
      event({
        type,
        source,
        ...(subject === null ? {} : { subject }),
        ...(json === null ? {} : { json }),
        ...(tenant === null ? {} : { extensions: { tenant } }),
      }),
    )

  test('for any routes and any event', () => {
    const sound = when.filter((text) => compileRouter([route('r', { when: text })]).problems.length === 0)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(from, { minLength: 1, maxLength: 3 }), fc.option(sound)), { maxLength: 12 }),
        fc.array(fc.tuple(given, origin), { minLength: 5, maxLength: 5 }),
        (specs, events) => {
          const routes = specs.map(([from, when], at) => route(`r${at}`, { from, ...(when === null ? {} : { when }) }))
          const indexed = router(routes)
          const rules = routes.map((one, at) => compileRule(one, at, () => undefined))
          for (const [given, origin] of events) {
            const variables = new Variables(given, origin)
            const naive = rules.filter(
              (rule) => rule?.route.from.some((from) => takes(from, origin)) && holds(rule, variables),
            )
            expect(indexed.match(given, origin).map((match) => match.route.name)).toEqual(
              naive.map((rule) => rule?.route.name),
            )
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})
