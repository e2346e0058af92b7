/** Turns what a schema says of a value into problems in the words of the configuration, each at its place. */

import type { output, ZodType, core as zod } from 'zod'
import { nearest } from '../schema/index.ts'
import { helper } from './help.ts'
import type { Problem } from './problem.ts'
import type { Path, Places } from './tree.ts'

type Issue = zod.$ZodIssue
type RawIssue = zod.$ZodRawIssue

/** Unknown keys that are told of one mapping: a file of nothing else is told from the first hundred, too. */
const MAX_KEYS = 100

/** Parses a value that stands at `path`. Problems go to `report`; undefined when there were any. */
export function check<S extends ZodType>(
  schema: S,
  value: unknown,
  path: Path,
  places: Places,
  report: (problem: Problem) => void,
): output<S> | undefined {
  const parsed = schema.safeParse(value, { error: words })
  if (parsed.success) return parsed.data
  const help = helper(schema)
  const teller = { places, help: (at: Path) => help(at.slice(path.length)) }
  const found = parsed.error.issues.flatMap((issue) => problems(issue, path, teller))
  const misspelt = new Set(found.map(meant))
  // The key that a misspelt one was meant to be is missing, too: that is the same mistake.
  for (const problem of found) if (!misspelt.has(problem.path) || !problem.message.endsWith('nothing')) report(problem)
  return undefined
}

function meant({ path, suggestion }: Problem): string | undefined {
  const [, key] = /^did you mean "(.*)"\?$/.exec(suggestion ?? '') ?? []
  return key && [...path.split('.').slice(0, -1), key].join('.')
}

interface Teller {
  readonly places: Places
  /** What there is to say of the option at a path. */
  readonly help: (path: Path) => string | undefined
}

function problems(issue: Issue, base: Path, teller: Teller): readonly Problem[] {
  const { places } = teller
  const path = [...base, ...issue.path.map((key) => (typeof key === 'number' ? key : String(key)))]
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message === '' ? [] : issue.message.split(',')
    return issue.keys.slice(0, MAX_KEYS).map((key) => unknownKey(key, known, path, places))
  }
  if (issue.code === 'invalid_union') {
    const branch = closest(issue)
    if (branch) return branch.flatMap((inner) => problems(inner, path, teller))
  }
  if (issue.code === 'invalid_key') {
    const inner = issue.issues[0]?.message ?? issue.message
    return [places.problem(path, inner, { on: 'key', ...suggest(inner, path, teller) })]
  }
  const offset: unknown = issue.code === 'custom' ? issue.params?.['offset'] : undefined
  const on = typeof offset === 'number' ? { on: offset } : {}
  return [places.problem(path, issue.message, { ...on, ...suggest(issue.message, path, teller) })]
}

/** What stands after a semicolon in a message says already what to do. */
function suggest(message: string, path: Path, { help }: Teller): { readonly suggestion?: string } {
  const suggestion = message.includes('; ') ? undefined : help(path)
  return suggestion === undefined ? {} : { suggestion }
}

function unknownKey(key: string, known: readonly string[], path: Path, places: Places): Problem {
  const close = nearest(key, known)
  const suggestion = close ? `did you mean "${close}"?` : known.length > 0 ? `there are ${known.join(', ')}` : undefined
  return places.problem([...path, key], `"${key}" is not known here`, {
    on: 'key',
    ...(suggestion ? { suggestion } : {}),
  })
}

/** Of a union: the branch whose shape the value has, so that its own mistakes are told and not that of the others. */
function closest({ errors }: Issue & { code: 'invalid_union' }): readonly Issue[] | undefined {
  const shaped = errors.filter(
    (branch) => !branch.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  )
  return shaped.length === 1 ? shaped[0] : shaped.toSorted((left, right) => left.length - right.length)[0]
}

const NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  null: 'nothing',
  undefined: 'nothing',
}

/** Says what a value is, never what it holds: it may be a secret. */
function kind(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  return typeof value === 'string' ? (value === '' ? 'empty text' : 'text') : String(value)
}

/** The messages of checks that have none of their own. Those that a schema gives go before these. */
function words(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'unrecognized_keys':
      return keysOf(issue.inst).join(',')
    case 'invalid_type':
      return `expected ${NAMES[issue.expected] ?? issue.expected}, got ${kind(issue.input)}`
    case 'invalid_union':
      return `expected ${[...new Set(issue.errors.flatMap(expectations))].join(' or ')}, got ${kind(issue.input)}`
    case 'invalid_value':
      return oneOf(issue.values.map(String), issue.input)
    case 'too_small':
      return `${limit(issue.origin, 'at least', Number(issue.minimum))}, got ${amount(issue.input)}`
    case 'too_big':
      return `${limit(issue.origin, 'at most', Number(issue.maximum))}, got ${amount(issue.input)}`
    default:
      return undefined
  }
}

function keysOf(schema: unknown): readonly string[] {
  const shape = (schema as { _zod?: { def?: { shape?: object } } } | undefined)?._zod?.def?.shape
  return Object.keys(shape ?? {})
}

const expectations = (branch: readonly Issue[]): readonly string[] =>
  branch
    .filter((issue) => issue.code === 'invalid_type' && issue.path.length === 0)
    .map((issue) => ('expected' in issue ? (NAMES[String(issue.expected)] ?? String(issue.expected)) : ''))

/** Says that a value is none of those that are offered, with the nearest. */
export function oneOf(values: readonly string[], input: unknown): string {
  const list = values.join(', ')
  if (typeof input !== 'string') return `expected one of ${list}, got ${kind(input)}`
  const close = nearest(input, values)
  return `"${input}" is none of ${list}${close ? `; did you mean "${close}"?` : ''}`
}

function limit(origin: string, bound: string, value: number): string {
  if (origin === 'string')
    return value === 1 && bound === 'at least' ? 'expected text' : `expected ${bound} ${value} characters`
  return origin === 'array'
    ? `expected ${bound} ${value} ${value === 1 ? 'entry' : 'entries'}`
    : `expected ${bound} ${value}`
}

const amount = (input: unknown): string =>
  Array.isArray(input)
    ? input.length === 0
      ? 'none'
      : String(input.length)
    : typeof input === 'number'
      ? String(input)
      : kind(input)
