/** Filters in the dialects of the CloudEvents Subscriptions API: compiled once, and what they say of an event. */

import type { CloudEvent } from '../event/index.ts'
import { attributeReader } from './attributes.ts'
import { attributesOf, clausesOf, compileCondition, isFault, isSqlProblem, type Sql } from './cesql/index.ts'
import type { Equality } from './guard.ts'
import type { Filter, FilterAttributes } from './route.ts'
import type { RouteProblem } from './router.ts'
import { seen } from './seen.ts'
import { ATTRIBUTES } from './variables.ts'

type Test = (event: CloudEvent) => boolean
type Path = readonly (string | number)[]
type Report = (problem: Omit<RouteProblem, 'route'>) => void

/** A filter, compiled. */
export interface CompiledFilter {
  /** Where it stands: `filters[0].all[1]`. */
  readonly place: string
  readonly filter: Filter
  /** The filters that `all`, `any` and `not` hold. */
  readonly inner: readonly CompiledFilter[]
  readonly sql?: Sql
  /** Whether the event passes. Never throws. */
  readonly test: Test
}

const MATCHES = {
  exact: (value: string, wanted: string) => value === wanted,
  prefix: (value: string, wanted: string) => value.startsWith(wanted),
  suffix: (value: string, wanted: string) => value.endsWith(wanted),
} as const

/** Compiles the filters of a route, all of which must pass. Problems go to `report`; a filter that has one is left out. */
export const compileFilters = (filters: readonly Filter[], report: Report): readonly CompiledFilter[] =>
  compileList(filters, [], report)

function compileList(filters: readonly Filter[], path: Path, report: Report): readonly CompiledFilter[] {
  return filters.map((filter, at) => compileFilter(filter, [...path, at], report)).filter((made) => made !== undefined)
}

function compileFilter(filter: Filter, path: Path, report: Report): CompiledFilter | undefined {
  const base = { place: placeOf(path), filter }
  if ('sql' in filter) {
    const sql = compileCondition(filter.sql)
    if (!isSqlProblem(sql)) return { ...base, inner: [], sql, test: (event) => sql.run(event) === true }
    report({ field: 'filters', path: [...path, 'sql'], ...sql })
    return undefined
  }
  if ('all' in filter) {
    const inner = compileList(filter.all, [...path, 'all'], report)
    return { ...base, inner, test: everyOf(inner) }
  }
  if ('any' in filter) {
    const inner = compileList(filter.any, [...path, 'any'], report)
    const tests = inner.map(({ test }) => test)
    return { ...base, inner, test: (event) => tests.some((test) => test(event)) }
  }
  if ('not' in filter) {
    const inner = compileFilter(filter.not, [...path, 'not'], report)
    return inner && { ...base, inner: [inner], test: (event) => !inner.test(event) }
  }
  return { ...base, inner: [], test: attributeTest(filter) }
}

/** `filters[0].any[2].not`. */
const placeOf = (path: Path): string =>
  path.reduce<string>((text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${key}`), 'filters')

const everyOf =
  (filters: readonly CompiledFilter[]): Test =>
  (event) => {
    for (const { test } of filters) if (!test(event)) return false
    return true
  }

/** Of a filter that holds attributes: its dialect and what it holds. */
function attributesIn(filter: Filter): readonly [keyof typeof MATCHES, FilterAttributes] | undefined {
  if ('exact' in filter) return ['exact', filter.exact]
  if ('prefix' in filter) return ['prefix', filter.prefix]
  return 'suffix' in filter ? ['suffix', filter.suffix] : undefined
}

function attributeTest(filter: Filter): Test {
  const [dialect, attributes] = attributesIn(filter) ?? ['exact', {}]
  const matches = MATCHES[dialect]
  const wants = Object.entries(attributes).map(([name, wanted]) => ({ read: attributeReader(name), wanted }))
  return (event) => {
    for (const { read, wanted } of wants) {
      const value = read(event)
      if (value === undefined || !matches(String(value), wanted)) return false
    }
    return true
  }
}

/** What a filter demands to be equal, for the index. Extensions may be numbers, which are not equal to their text. */
export function exactOf({ filter, inner }: CompiledFilter): readonly Equality[] {
  if ('all' in filter) return inner.flatMap(exactOf)
  if (!('exact' in filter)) return []
  return Object.entries(filter.exact)
    .filter(([name]) => CONTEXT.has(name))
    .map(([name, wanted]) => ({ name, path: [name], values: [wanted] }))
}

const CONTEXT: ReadonlySet<string> = new Set(ATTRIBUTES)

/** Whether an equality is all that a filter asks for. */
export function isOnly({ filter }: CompiledFilter, { name, values }: Equality): boolean {
  if (!('exact' in filter)) return false
  const [first, ...more] = Object.entries(filter.exact)
  return more.length === 0 && first?.[0] === name && values.length === 1 && first[1] === values[0]
}

/** The first filter that an event does not pass, the part of it that says no, and the values that this saw. */
export function failed(filters: readonly CompiledFilter[], event: CloudEvent): Unmet | undefined {
  const filter = filters.find(({ test }) => !test(event))
  return filter && unmet(filter, event)
}

interface Unmet {
  readonly clause: string
  readonly saw: string
}

function unmet(compiled: CompiledFilter, event: CloudEvent): Unmet {
  const { filter, inner, place, sql } = compiled
  if ('all' in filter) return failed(inner, event) ?? { clause: `${place}.all`, saw: '' }
  if (sql) return unmetSql(place, sql, event)
  const [dialect, attributes] = attributesIn(filter) ?? []
  if (!dialect) return { clause: `${place}.${'not' in filter ? 'not' : 'any'}`, saw: values(namesIn(compiled), event) }
  const [name, wanted] = Object.entries(attributes ?? {}).find(([key, text]) => {
    const value = attributeReader(key)(event)
    return value === undefined || !MATCHES[dialect](String(value), text)
  }) ?? ['', '']
  return { clause: `${place}.${dialect}.${name} ${seen(wanted)}`, saw: values([name], event) }
}

function unmetSql(place: string, sql: Sql, event: CloudEvent): Unmet {
  const clauses = clausesOf(sql)
  const clause = clauses.find(({ run }) => run(event) !== true) ?? sql
  const outcome = clause.run(event)
  const saw = values(attributesOf(clause.root), event)
  const error = isFault(outcome) ? [`error: ${outcome.message}`] : []
  return { clause: `${place}.sql ${clause.text.trim()}`, saw: [saw, ...error].filter(Boolean).join(', ') }
}

/** The attributes that a filter and those inside it name. */
function namesIn({ filter, inner, sql }: CompiledFilter): readonly string[] {
  if (sql) return attributesOf(sql.root)
  return [...Object.keys(attributesIn(filter)?.[1] ?? {}), ...inner.flatMap(namesIn)]
}

const values = (names: readonly string[], event: CloudEvent): string =>
  [...new Set(names)]
    .map((name) => {
      const value = attributeReader(name)(event)
      return `${name} = ${value === undefined ? 'absent' : seen(value)}`
    })
    .join(', ')
