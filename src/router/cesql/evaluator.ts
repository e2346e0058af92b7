/**
 * Turns an expression into closures. Evaluation is total: it gives a value or an error, and never throws. The first
 * error ends it (section 4.1, fail fast): each operator around the error has the zero value of its own type.
 */

import type { CloudEvent, ExtensionValue } from '../../event/index.ts'
import type { Node } from './ast.ts'
import { type BuiltIn, functionOf } from './functions.ts'
import { compilePattern, like, MAX_STEPS, type Meter } from './like.ts'
import { ARITHMETIC, ORDER } from './operators.ts'
import {
  castLike,
  fault,
  faultAs,
  isFault,
  isInteger,
  type Kind,
  type Outcome,
  toBoolean,
  toInteger,
  toText,
  type Value,
} from './value.ts'

/** What an evaluation reads, and what it has taken so far. */
export interface Scope extends Meter {
  readonly event: CloudEvent
}

export type Run = (scope: Scope) => Outcome
type BinaryNode = Extract<Node, { kind: 'binary' }>

const ZERO: Readonly<Record<Kind, Value>> = { String: '', Integer: 0, Boolean: false }
const TOO_MANY = fault('generic', false, `the evaluation takes more than ${MAX_STEPS} steps`)

/** Compiles an expression. */
export function compileNode(node: Node): Run {
  switch (node.kind) {
    case 'literal': {
      const { value } = node
      return () => value
    }
    case 'attribute':
      return attribute(node.name)
    case 'exists': {
      const read = reader(node.name)
      return ({ event }) => read(event) !== undefined
    }
    case 'not':
      return asBoolean(compileNode(node.operand), (value) => !value)
    case 'minus': {
      const negate = ARITHMETIC['-']
      return asInteger(compileNode(node.operand), (value) => negate(0, value))
    }
    case 'binary':
      return binary(node)
    case 'like':
      return likeness(compileNode(node.operand), node.pattern, node.negated)
    case 'in':
      return membership(compileNode(node.operand), node.members.map(compileNode), node.negated)
    case 'call':
      return call(node.name, node.args.map(compileNode))
  }
}

/** Reads an attribute of an event: context attributes are its own, extensions stand apart. */
function reader(name: string): (event: CloudEvent) => string | ExtensionValue | undefined {
  switch (name) {
    case 'specversion':
    case 'id':
    case 'source':
    case 'type':
    case 'subject':
    case 'time':
    case 'datacontenttype':
    case 'dataschema':
      return (event) => event[name]
    default:
      return ({ extensions }) =>
        extensions !== undefined && Object.hasOwn(extensions, name) ? extensions[name] : undefined
  }
}

function attribute(name: string): Run {
  const read = reader(name)
  // Of what type it would be is not known: the specification has it Boolean then (section 3.2).
  const missing = fault('missingAttribute', false, `the event has no ${name}`)
  return ({ event }) => {
    const value = read(event)
    if (value === undefined) return missing
    return typeof value === 'number' && !isInteger(value) ? String(value) : value
  }
}

function asBoolean(operand: Run, then: (value: boolean) => boolean): Run {
  return (scope) => {
    const held = operand(scope)
    const value = isFault(held) ? held : toBoolean(held)
    return isFault(value) ? faultAs(value, false) : then(value)
  }
}

function asInteger(operand: Run, then: (value: number) => Outcome): Run {
  return (scope) => {
    const held = operand(scope)
    const value = isFault(held) ? held : toInteger(held)
    return isFault(value) ? faultAs(value, 0) : then(value)
  }
}

function binary({ left, operator, right }: BinaryNode): Run {
  const [first, second] = [compileNode(left), compileNode(right)]
  switch (operator) {
    case 'AND':
    case 'OR':
      return shortCircuit(first, second, operator === 'OR')
    case 'XOR':
      return exclusive(
        asBoolean(first, (value) => value),
        asBoolean(second, (value) => value),
      )
    case '=':
      return equality(first, second, true)
    case '!=':
    case '<>':
      return equality(first, second, false)
    case '<':
    case '<=':
    case '>':
    case '>=':
      return integers(first, second, false, ORDER[operator])
    default:
      return integers(first, second, 0, ARITHMETIC[operator])
  }
}

/** AND and OR: the right side is not asked when the left one decides. */
function shortCircuit(left: Run, right: Run, decisive: boolean): Run {
  const [first, second] = [asBoolean(left, (value) => value), asBoolean(right, (value) => value)]
  return (scope) => {
    const value = first(scope)
    return value === decisive || isFault(value) ? value : second(scope)
  }
}

const exclusive =
  (left: Run, right: Run): Run =>
  (scope) => {
    const one = left(scope)
    if (isFault(one)) return one
    const other = right(scope)
    return isFault(other) ? other : one !== other
  }

/** The left side becomes of the type that the right side has (section 3.7, ambiguous operators). */
function equality(left: Run, right: Run, equal: boolean): Run {
  return (scope) => {
    const held = left(scope)
    if (isFault(held)) return faultAs(held, false)
    const other = right(scope)
    if (isFault(other)) return faultAs(other, false)
    const value = castLike(held, other)
    return isFault(value) ? faultAs(value, false) : (value === other) === equal
  }
}

function integers(left: Run, right: Run, zero: Value, then: (left: number, right: number) => Outcome): Run {
  return (scope) => {
    const held = left(scope)
    const one = isFault(held) ? held : toInteger(held)
    if (isFault(one)) return faultAs(one, zero)
    const other = right(scope)
    const two = isFault(other) ? other : toInteger(other)
    return isFault(two) ? faultAs(two, zero) : then(one, two)
  }
}

function likeness(operand: Run, text: string, negated: boolean): Run {
  const pattern = compilePattern(text)
  return (scope) => {
    const held = operand(scope)
    if (isFault(held)) return faultAs(held, false)
    const matches = like(toText(held), pattern, scope)
    return matches === undefined ? TOO_MANY : matches !== negated
  }
}

/** Each member becomes of the type that the left side has; those after the one that is equal are not asked. */
function membership(operand: Run, members: readonly Run[], negated: boolean): Run {
  return (scope) => {
    const value = operand(scope)
    if (isFault(value)) return faultAs(value, false)
    for (const member of members) {
      const held = member(scope)
      const other = isFault(held) ? held : castLike(held, value)
      if (isFault(other)) return faultAs(other, false)
      if (other === value) return !negated
    }
    return negated
  }
}

function call(name: string, args: readonly Run[]): Run {
  const found = functionOf(name, args.length)
  if (!found) {
    const missing = fault('missingFunction', false, `there is no function ${name} of ${args.length} arguments`)
    return () => missing
  }
  return (scope) => {
    const values: Value[] = []
    for (const arg of args) {
      const held = arg(scope)
      const value = isFault(held) ? held : castTo(held, found, values.length)
      if (isFault(value)) return faultAs(value, ZERO[found.gives])
      values.push(value)
    }
    // CONCAT_WS repeats its first argument: no event can have a function build more text than this.
    for (const [at, value] of values.entries())
      if (typeof value === 'string') scope.steps += at === 0 ? value.length * values.length : value.length
    return scope.steps > MAX_STEPS ? faultAs(TOO_MANY, ZERO[found.gives]) : found.run(values)
  }
}

function castTo(value: Value, { rest, takes }: BuiltIn, at: number): Outcome {
  switch (takes[at] ?? rest) {
    case 'String':
      return toText(value)
    case 'Integer':
      return toInteger(value)
    case 'Boolean':
      return toBoolean(value)
    default:
      return value
  }
}
