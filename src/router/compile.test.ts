/** Routes that match, and routes that do not and why. */

import { describe, expect, test } from 'vitest'
import type { CloudEvent, Origin } from '../event/index.ts'
import { compileInTurns, compileRouter } from './compile.ts'
import { ANY, event, MQTT, route, router } from './harness.ts'
import type { From, Route } from './route.ts'
import { takes } from './verdict.ts'

const names = (routes: readonly Route[], given: CloudEvent, origin = MQTT): string[] =>
  router(routes)
    .match(given, origin)
    .map((match) => match.route.name)

const taken = (when: string, given: CloudEvent, origin = MQTT): boolean =>
  names([route('r', { when })], given, origin).length === 1

/** Milliseconds of processor time from here on: what else the machine does takes none of it. */
const cpuMs = (): (() => number) => {
  const started = process.cpuUsage()
  return () => {
    const { system, user } = process.cpuUsage(started)
    return (user + system) / 1_000
  }
}

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
    const spent = cpuMs()
    expect(taken(when, event({ json: { l: Array.from({ length: 200 }, () => 1) } }))).toBe(false)
    expect(spent()).toBeLessThan(2_000)
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
    ['type == "a" && subject.matches("(?=a)")', 31, /^"\(\?=a\)" is no pattern of RE2: invalid or unsupported/],
    ['subject.matches("a{2000}") || type == "a"', 16, /invalid repeat count/],
    ['type', 0, /expected a condition, got a string/],
    ['  ', 0, /empty/],
    [`${'('.repeat(1_000)}true${')'.repeat(1_000)}`, 0, /nests 1000 deep/],
    [`${'!'.repeat(3_000)}true`, 0, /nests/],
    [`true${' && true'.repeat(2_000)}`, 4_096, /at most 4096/],
    [`1${'+1'.repeat(2_000)} > 0`, 0, /too deep/],
  ])('%#', (when, offset, message) => {
    const spent = cpuMs()
    const [problem] = compileRouter([route('r', { when })]).problems
    expect(problem).toMatchObject({ route: 'r', field: 'when', offset, message: expect.stringMatching(message) })
    expect(spent()).toBeLessThan(1_000)
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

describe('in turns', () => {
  const goOn = async (): Promise<void> => undefined

  test('the loop is let go on before each route, problems and answers are the same', async () => {
    const routes = [route('a', { when: 'data.n > 1' }), route('b', { when: 'nonsense(' }), route('c')]
    let turns = 0
    const { problems, router } = await compileInTurns(routes, async () => {
      turns += 1
    })
    expect(turns).toBe(3)
    expect(problems).toEqual(compileRouter(routes).problems)
    expect(router.match(event({ json: { n: 2 } }), MQTT).map(({ route }) => route.name)).toEqual(['a', 'c'])
  })

  test('what is the same before is taken over, in its new place, and what has another text is not', async () => {
    const before = await compileInTurns([route('a', { when: 'data.n > 1' }), route('b'), route('c')], goOn)
    const routes = [route('c'), route('a', { when: 'data.n > 5' }), route('b')]
    const { router } = await compileInTurns(routes, goOn, before.router)
    const taken = (n: number) => router.match(event({ json: { n } }), MQTT).map(({ route }) => route.name)
    expect(taken(2)).toEqual(['c', 'b'])
    expect(taken(6)).toEqual(['c', 'a', 'b'])
    expect(router.routes).toBe(routes)
  })

  test('two thousand that are the same cost less than half', async () => {
    const routes = Array.from({ length: 2_000 }, (_, at) =>
      route(`r${at}`, { when: `data.n > ${at} && type == "t${at}"` }),
    )
    const first = cpuMs()
    const before = await compileInTurns(routes, goOn)
    const whole = first()
    const again = cpuMs()
    await compileInTurns(structuredClone(routes), goOn, before.router)
    expect(again()).toBeLessThan(whole / 2)
  })
})
