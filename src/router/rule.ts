/** One route, compiled: its condition, its key, and what it demands of the event before anything is evaluated. */

import { compileExpression, type Expression, isProblem } from './expression.ts'
import { type CompiledFilter, compileFilters, exactOf, isOnly } from './filter.ts'
import { conjuncts, type Equality, equalityOf, type Guard, guardOf } from './guard.ts'
import { jsonataProblem } from './jsonata.ts'
import { filterProblem, pathProblem } from './patterns.ts'
import type { From, Route, Transforms } from './route.ts'
import { KEYED_CONTROLS, type KeyedControl, type Match, type RouteProblem } from './router.ts'
import { Variables } from './variables.ts'

export interface Rule {
  readonly route: Route
  /** Its place in the configuration. */
  readonly index: number
  readonly when: Expression | undefined
  readonly filters: readonly CompiledFilter[]
  /** An equality that must hold; the index is built on it. */
  readonly equality: Equality | undefined
  /** What is left to be asked once the equality holds. True only when the whole condition is. */
  readonly test: ((variables: Variables) => boolean) | undefined
  readonly orderBy: Expression | undefined
  /** Of the controls that have one. */
  readonly keys: ReadonlyMap<KeyedControl, Expression>
}

/** Attributes that tell routes apart best come first. Fields of data come last: asking for one parses the body. */
const PREFERENCE = ['type', 'source', 'subject', 'topic', 'dataschema', 'id']

/** Compiles a route. Problems go to `report`; a route that has one takes no events. */
export function compileRule(route: Route, index: number, report: (problem: RouteProblem) => void): Rule | undefined {
  let sound = true
  const problem = (field: RouteProblem['field'], offset: number, message: string): undefined => {
    sound = false
    report({ route: route.name, field, offset, message })
    return undefined
  }
  for (const from of route.from) {
    const wrong = fromProblem(from)
    if (wrong !== undefined) problem('from', 0, wrong)
  }
  const compiled = (
    field: Exclude<RouteProblem['field'], 'from'>,
    text: string | undefined,
  ): Expression | undefined => {
    if (text === undefined) return undefined
    const made = compileExpression(text, field === 'when' ? 'bool' : 'any')
    return isProblem(made) ? problem(field, made.offset, made.message) : made
  }
  const when = compiled('when', route.when)
  const orderBy = compiled('order_by', route.orderBy)
  const keys = new Map<KeyedControl, Expression>()
  for (const control of KEYED_CONTROLS) {
    const key = compiled(`${control}.key`, route.controls?.[control]?.key)
    if (key) keys.set(control, key)
  }
  if (route.transforms) checkTransforms(route.transforms, problem)
  const filters = compileFilters(route.filters ?? [], (wrong) => {
    sound = false
    report({ route: route.name, ...wrong })
  })
  return sound ? { route, index, when, filters, orderBy, keys, ...plan(when, filters) } : undefined
}

function checkTransforms(
  { event, reply }: Transforms,
  problem: (field: RouteProblem['field'], offset: number, message: string) => void,
): void {
  for (const [field, text] of [['transform', event] as const, ['reply_transform', reply] as const]) {
    const wrong = text === undefined ? undefined : jsonataProblem(text)
    if (wrong) problem(field, wrong.offset, wrong.message)
  }
}

/** The value of a key on an event: text as it is, all else as JSON. Undefined when there is none to be had. */
export function keyOf(key: Expression | undefined, variables: Variables): string | undefined {
  const answer = key?.run(variables)
  if (answer === undefined || 'error' in answer) return undefined
  const { value } = answer
  if (typeof value === 'string') return value
  return typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined
}

/** What the journal is to know an event by, for the controls that it keeps. Undefined when that is nothing. */
export function namesOf({ keys }: Rule, variables: Variables): Pick<Match, 'debounce' | 'dedupe'> | undefined {
  const debounce = keyOf(keys.get('debounce'), variables)
  const dedupe = keyOf(keys.get('dedupe'), variables)
  if (debounce === undefined) return dedupe === undefined ? undefined : { dedupe }
  return dedupe === undefined ? { debounce } : { debounce, dedupe }
}

/** Whether the whole condition is true; an error is not. The reference that the index must agree with. */
export function holds(rule: Rule, variables: Variables): boolean {
  const event = Variables.eventOf(variables)
  if (!rule.filters.every(({ test }) => test(event))) return false
  const answer = rule.when?.run(variables)
  return answer === undefined || ('value' in answer && answer.value === true)
}

function plan(when: Expression | undefined, filters: readonly CompiledFilter[]): Pick<Rule, 'equality' | 'test'> {
  const parts = when ? conjuncts(when.ast) : []
  const equality = [...filters.flatMap(exactOf), ...parts.map(equalityOf)]
    .filter((found) => found !== undefined)
    .sort((left, right) => rank(left) - rank(right))[0]
  // An equality that is a whole part is told by the index: it need not be asked again.
  const rest = parts.filter((part) => !equality || equalityOf(part)?.name !== equality.name || !same(part, equality))
  const asked = filters.filter((filter) => !equality || !isOnly(filter, equality))
  const guards = rest.map(guardOf)
  const plain = guards.filter((guard) => guard !== undefined)
  const whole = plain.length === guards.length
  const test = rest.length === 0 ? undefined : tested(plain, whole ? undefined : when)
  return { equality, test: asked.length === 0 ? test : filtered(asked, test) }
}

/** Filters before expressions: no filter reads the body. */
function filtered(filters: readonly CompiledFilter[], test: Rule['test']): (variables: Variables) => boolean {
  return (variables) => {
    const event = Variables.eventOf(variables)
    for (const filter of filters) if (!filter.test(event)) return false
    return test === undefined || test(variables)
  }
}

/** Guards first: an expression is only evaluated when each plain part of it is true. */
function tested(guards: readonly Guard[], when: Expression | undefined): (variables: Variables) => boolean {
  const [only] = guards
  if (guards.length === 1 && only && !when) return (variables) => only(variables) === true
  return (variables) => {
    for (const guard of guards) if (guard(variables) !== true) return false
    if (!when) return true
    const answer = when.run(variables)
    return 'value' in answer && answer.value === true
  }
}

const same = (part: Parameters<typeof equalityOf>[0], equality: Equality): boolean =>
  JSON.stringify(equalityOf(part)) === JSON.stringify(equality)

function rank({ name, path }: Equality): number {
  if (path.length > 1) return 100
  const at = PREFERENCE.indexOf(name)
  return at < 0 ? PREFERENCE.length : at
}

function fromProblem(from: From): string | undefined {
  if (from.kind === 'mqtt') return filterProblem(from.filter)
  return from.kind === 'http' ? pathProblem(from.method, from.path) : undefined
}
