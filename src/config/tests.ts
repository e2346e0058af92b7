/** Makes tests of their configuration: finds what their names stand for, and reports what cannot be. */

import { type Origin, validateEvent } from '../event/index.ts'
import { readFrom } from '../router/address.ts'
import { type FileTestConfig, type RouteConfig, readFail, type TestConfig } from '../router/config.ts'
import type { From, Route } from '../router/route.ts'
import type { Instance } from './config.ts'
import { type ConfigTest, testEvent } from './config-test.ts'
import type { Hidden } from './interpolate.ts'
import type { Reporter } from './names.ts'
import type { Path, Places } from './tree.ts'

/** What the names in tests may stand for. */
export interface Tested {
  readonly routes: readonly Route[]
  readonly sources: readonly Instance[]
  /** Names of functions, which may be called without a route. */
  readonly functions: readonly string[]
  /** The variables of the configuration. */
  readonly hidden: readonly Hidden[]
}

/** Returns the tests under the routes; those of a route that has a mistake are left out. */
export const routeTests = (
  configs: Readonly<Record<string, RouteConfig>>,
  tested: Tested,
  reporter: Reporter,
): readonly ConfigTest[] =>
  tested.routes.flatMap((route) =>
    (configs[route.name]?.tests ?? []).map((test, at) =>
      makeTest(test, ['routes', route.name, 'tests', at], tested, reporter, route),
    ),
  )

/** Returns the tests of one file; `base` is where their list stands in it. */
export const fileTests = (
  tests: readonly FileTestConfig[],
  base: Path,
  { hidden, ...rest }: Tested,
  reporter: Reporter,
): readonly ConfigTest[] => {
  const tested = { ...rest, hidden: [...hidden, ...hiddenIn(reporter.places)] }
  return tests.map(({ route: name, ...test }, at) => {
    const path = [...base, at]
    const route = tested.routes.find((one) => one.name === name)
    const known = tested.routes.map((one) => one.name)
    if (name !== undefined && route === undefined) reporter.unknown([...path, 'route'], 'route', name, known)
    return makeTest(test, path, tested, reporter, route)
  })
}

/** What variables stood for; what is as short as a number says nothing. */
export const hiddenIn = (places: Places): readonly Hidden[] =>
  [...places.hidden()].flatMap(({ hidden }) => hidden).filter(({ value }) => value.length > 3)

function makeTest(given: TestConfig, path: Path, tested: Tested, reporter: Reporter, route?: Route): ConfigTest {
  const { at, event, fail, from, name, repeat, to, ...said } = given
  const events = event === undefined ? [] : [event].flat()
  const failing = readFail(fail)
  const begins = Date.parse(at)
  events.forEach((one, index) => {
    const place = Array.isArray(event) ? [...path, 'event', index] : [...path, 'event']
    for (const problem of validateEvent(testEvent(one, { id: 'test-1', now: begins }))) reporter.report(place, problem)
  })
  const scope = route ? targetsOf(route) : [...tested.routes.flatMap(targetsOf), ...tested.functions]
  checkTargets(to, [...path, 'to'], scope, ['none'], reporter)
  if (typeof fail === 'object') checkTargets(fail.at, [...path, 'fail', 'at'], scope, [], reporter)
  checkTick(given.tick, [...path, 'tick'], tested, reporter)
  const { file, line, column } = reporter.places.problem(path, '', { on: 'value' })
  return {
    ...said,
    name: name ?? nameOf(given),
    file,
    line,
    column,
    ...(route ? { route: route.name } : {}),
    begins,
    events,
    origin: from === undefined ? originOf(route?.from[0]) : readOrigin(from, [...path, 'from'], tested, reporter),
    repeat: typeof repeat === 'number' ? { times: repeat, every: 0 } : repeat,
    ...(failing ? { failing } : {}),
    ...(to === undefined ? {} : { to: [to].flat().filter((one) => one !== 'none') }),
    hidden: tested.hidden,
  }
}

/** All that a route may send something to, as written; a function also without its version. */
const targetsOf = ({ deadLetter, fallback, to }: Route): readonly string[] =>
  [...to, ...(fallback ? [fallback] : []), ...(deadLetter ? [deadLetter] : [])].flatMap((one) =>
    one.kind === 'function' && one.text !== one.name ? [one.text, one.name] : [one.text],
  )

function checkTargets(
  given: string | readonly string[] | undefined,
  path: Path,
  known: readonly string[],
  words: readonly string[],
  reporter: Reporter,
): void {
  const templates = known.some((one) => one.startsWith('mqtt:') && one.includes('{'))
  const names = typeof given === 'string' ? [given] : (given ?? [])
  names.forEach((name, at) => {
    const place = typeof given === 'string' ? path : [...path, at]
    if (words.includes(name) && names.length > 1) reporter.report(place, `"${name}" stands alone`)
    else if (!known.includes(name) && !words.includes(name) && !(templates && name.startsWith('mqtt:')))
      reporter.unknown(place, 'target', name, [...known, ...words])
  })
}

function checkTick(name: string | undefined, path: Path, { sources }: Tested, reporter: Reporter): void {
  const crons = sources.filter(({ type }) => type === 'cron').map((source) => source.name)
  if (name !== undefined && !crons.includes(name)) reporter.unknown(path, 'cron source', name, crons)
}

function readOrigin(text: string, path: Path, { functions, sources }: Tested, reporter: Reporter): Origin {
  const nowhere = { source: '', address: '' }
  const read = readFrom(text)
  if ('wrong' in read) return reporter.report(path, read.wrong) ?? nowhere
  const { value } = read
  if (value.kind === 'mqtt' && /[+#]/.test(value.filter))
    return reporter.report(path, `"${value.filter}" is a filter; give the topic of one message`) ?? nowhere
  if (value.kind === 'source' && value.source === 'function' && !functions.includes(value.address ?? ''))
    return reporter.unknown(path, 'function', value.address ?? '', functions) ?? nowhere
  const names = sources.map(({ name }) => name)
  if (value.kind === 'source' && !['function', 'program', ...names].includes(value.source))
    return reporter.unknown(path, 'source', value.source, names) ?? nowhere
  return originOf(value)
}

/** An address that is taken where a route takes from: wildcards stand for `x`. */
function originOf(from: From | undefined): Origin {
  switch (from?.kind) {
    case 'mqtt':
      return { source: 'mqtt', address: from.filter.replace(/[+#]/g, 'x') }
    case 'http': {
      const method = from.method === '*' ? 'POST' : from.method
      return { source: 'http', address: `${method} ${from.path.replace(/:(\w+)/g, '$1').replace(/\*$/, 'x')}` }
    }
    case 'source':
      return { source: from.source, address: from.address ?? '' }
    default:
      return { source: 'http', address: 'POST /events' }
  }
}

/** What a test without a name is called: what comes in, and what is expected of it. */
function nameOf({ after, count, error, event, fail, http, publish, reply, tick, times, to }: TestConfig): string {
  const types = [event ?? []].flat().map(({ type }) => type)
  const coming =
    publish?.topic ?? (http ? `${http.method} ${http.path}` : (tick ?? [...new Set(types)].slice(0, 3).join(', ')))
  const failed = fail === undefined ? '' : ` (fails: ${typeof fail === 'string' ? fail : (fail.with ?? 'always')})`
  const expected = [
    ...(to === undefined ? [] : [`to ${[to].flat().join(', ')}`]),
    ...(times === undefined ? [] : [`times ${times}`]),
    ...(count === undefined ? [] : [`count ${count}`]),
    ...(reply === undefined ? [] : ['reply']),
    ...(error === undefined ? [] : [`error ${error}`]),
  ]
  return `${coming}${failed}: ${expected.join(', ')}${after === undefined ? '' : ` after ${after / 1_000}s`}`
}
