/**
 * Turns an expression into closures. Evaluation is total: it gives a value or an error, and never throws. The first
 * error ends it (section 4.1, fail fast): each operator around the error has the zero value of its own type.
 */

import { attributeReader } from '../attributes.ts'
import type { Node } from './ast.ts'
import { call } from './call.ts'
import { compilePattern, like } from './like.ts'
import { ARITHMETIC, ORDER } from './operators.ts'
import { type Run, TOO_MANY } from './scope.ts'
import {
  castLike,
  fault,
  faultAs,
  isFault,
  isInteger,
  type Outcome,
  toBoolean,
  toInteger,
  toText,
  type Value,
} from './value.ts'

type BinaryNode = Extract<Node, { kind: 'binary' }>

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
      const read = attributeReader(node.name)
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

function attribute(name: string): Run {
  const read = attributeReader(name)
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
      const other: Outcome = isFault(held) ? held : castLike(held, value)
      if (isFault(other)) return faultAs(other, false)
      if (other === value) return !negated
    }
    return negated
  }
}
