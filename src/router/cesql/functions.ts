/** The built-in functions of CESQL 1.0, section 3.5, and the casts by name. */

import {
  fault,
  isFault,
  type Kind,
  MAX_INTEGER,
  MIN_INTEGER,
  type Outcome,
  toBoolean,
  toInteger,
  toText,
  type Value,
} from './value.ts'

/** A function of one arity; `rest` is the type of any further arguments. */
export interface BuiltIn {
  readonly takes: readonly (Kind | 'Any')[]
  readonly rest?: Kind
  readonly gives: Kind
  /** Is given values of the types that it takes. */
  run(args: readonly Value[]): Outcome
}

const text = (args: readonly Value[], at: number): string => toText(args[at] ?? '')
const integer = (args: readonly Value[], at: number): number => Number(args[at] ?? 0)

const FUNCTIONS: Readonly<Record<string, readonly BuiltIn[]>> = {
  ABS: [{ takes: ['Integer'], gives: 'Integer', run: ([value]) => absolute(Number(value)) }],
  LENGTH: [{ takes: ['String'], gives: 'Integer', run: (args) => characters(text(args, 0)).length }],
  CONCAT: [{ takes: [], rest: 'String', gives: 'String', run: (args) => args.join('') }],
  CONCAT_WS: [{ takes: ['String'], rest: 'String', gives: 'String', run: (args) => args.slice(1).join(text(args, 0)) }],
  LOWER: [{ takes: ['String'], gives: 'String', run: (args) => text(args, 0).toLowerCase() }],
  UPPER: [{ takes: ['String'], gives: 'String', run: (args) => text(args, 0).toUpperCase() }],
  TRIM: [{ takes: ['String'], gives: 'String', run: (args) => trimmed(text(args, 0)) }],
  LEFT: [
    {
      takes: ['String', 'Integer'],
      gives: 'String',
      run: (args) => side('LEFT', text(args, 0), integer(args, 1), (_, count) => [0, count]),
    },
  ],
  RIGHT: [
    {
      takes: ['String', 'Integer'],
      gives: 'String',
      run: (args) => side('RIGHT', text(args, 0), integer(args, 1), (length, count) => [length - count, length]),
    },
  ],
  SUBSTRING: [
    { takes: ['String', 'Integer'], gives: 'String', run: (args) => substring(text(args, 0), integer(args, 1)) },
    {
      takes: ['String', 'Integer', 'Integer'],
      gives: 'String',
      run: (args) => substring(text(args, 0), integer(args, 1), integer(args, 2)),
    },
  ],
  INT: [{ takes: ['Any'], gives: 'Integer', run: ([value = 0]) => toInteger(value) }],
  BOOL: [{ takes: ['Any'], gives: 'Boolean', run: ([value = false]) => toBoolean(value) }],
  STRING: [{ takes: ['Any'], gives: 'String', run: ([value = '']) => toText(value) }],
  IS_INT: [{ takes: ['Any'], gives: 'Boolean', run: ([value = 0]) => !isFault(toInteger(value)) }],
  IS_BOOL: [{ takes: ['Any'], gives: 'Boolean', run: ([value = false]) => !isFault(toBoolean(value)) }],
}

/** The names of all functions. */
export const FUNCTION_NAMES: readonly string[] = Object.keys(FUNCTIONS)

/** The function of this name that takes so many arguments, or undefined. */
export function functionOf(name: string, count: number): BuiltIn | undefined {
  const overloads = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
  return overloads?.find(({ rest, takes }) => (rest === undefined ? takes.length === count : takes.length <= count))
}

/** What the function of this name takes, for a message: `1 or 2`; undefined when there is none. */
export function argumentsOf(name: string): string | undefined {
  const overloads = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
  return overloads?.map(({ rest, takes }) => `${takes.length}${rest === undefined ? '' : ' or more'}`).join(' or ')
}

const absolute = (value: number): Outcome =>
  value === MIN_INTEGER ? fault('math', MAX_INTEGER, `ABS(${value}) is no 32-bit integer`) : Math.abs(value)

/** Text by its characters: one with a surrogate has fewer of those than of code units. */
const characters = (value: string): string | readonly string[] =>
  /[\ud800-\udfff]/.test(value) ? Array.from(value) : value

function cut(of: string | readonly string[], start: number, end: number): string {
  const part = of.slice(Math.max(0, start), Math.max(0, end))
  return typeof part === 'string' ? part : part.join('')
}

type Range = (length: number, count: number) => readonly [start: number, end: number]

function side(name: string, value: string, count: number, range: Range): Outcome {
  if (count < 0) return fault('functionEvaluation', value, `${name} of ${count} characters`)
  const of = characters(value)
  return of.length <= count ? value : cut(of, ...range(of.length, count))
}

function substring(value: string, position: number, count = MAX_INTEGER): Outcome {
  const of = characters(value)
  if (position > of.length || position < -of.length || count < 0) {
    const what =
      count < 0 ? `SUBSTRING of ${count} characters` : `SUBSTRING from ${position} of ${of.length} characters`
    return fault('functionEvaluation', '', what)
  }
  if (position === 0) return ''
  const start = position > 0 ? position - 1 : of.length + position
  return cut(of, start, start + count)
}

/** White space of Unicode: what JavaScript trims has one character more (U+FEFF) and one less (U+0085). */
const SPACE = /^\p{White_Space}$/u

function trimmed(value: string): string {
  let [start, end] = [0, value.length]
  while (start < end && SPACE.test(value.charAt(start))) start++
  while (end > start && SPACE.test(value.charAt(end - 1))) end--
  return value.slice(start, end)
}
