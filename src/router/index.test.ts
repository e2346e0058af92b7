/** The index and its shortcuts against the evaluator: for any routes and any event they agree. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ExtensionValue, Origin } from '../event/index.ts'
import { compileRouter } from './compile.ts'
import { ANY, event, route, router } from './harness.ts'
import type { Filter, From } from './route.ts'
import { compileRule, holds } from './rule.ts'
import { Variables } from './variables.ts'
import { takes } from './verdict.ts'

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
  const attributes = fc
    .tuple(fc.constantFrom('type', 'subject', 'source', 'tenant', 'topic'), fc.constantFrom('a', 'b', '1'))
    .map(([name, text]) => ({ [name]: text }))
  const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
    filter: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      attributes.map((exact): Filter => ({ exact })),
      fc.tuple(attributes, attributes).map(([a, b]): Filter => ({ exact: { ...a, ...b } })),
      attributes.map((prefix): Filter => ({ prefix })),
      fc.constantFrom<Filter>({ sql: "type = 'a' OR tenant = 1" }, { sql: 'EXISTS tenant' }, { suffix: { type: 'b' } }),
      fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((all): Filter => ({ all })),
      fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((any): Filter => ({ any })),
      tie('filter').map((not): Filter => ({ not })),
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
        fc.array(
          fc.tuple(
            fc.array(from, { minLength: 1, maxLength: 3 }),
            fc.option(sound),
            fc.option(fc.array(filter, { maxLength: 3 })),
          ),
          { maxLength: 12 },
        ),
        fc.array(fc.tuple(given, origin), { minLength: 5, maxLength: 5 }),
        (specs, events) => {
          const routes = specs.map(([from, when, filters], at) =>
            route(`r${at}`, { from, ...(when === null ? {} : { when }), ...(filters === null ? {} : { filters }) }),
          )
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
