/** What the tests of CESQL share: expressions made up by fast-check, and how one is written with as few brackets as may be. */

import fc from 'fast-check'
import { type BinaryOperator, LEVELS, type Node, type Part } from './ast.ts'
import { FUNCTION_NAMES } from './functions.ts'

const UNARY_LEVEL = 6
const POSTFIX_LEVEL = 5

const node = (part: Part): Node => ({ ...part, start: 0, end: 0 })

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom('true', 'FALSE', '12', '-3', 'a%', '_', '\\%', ''),
)
/** A backslash before the closing quote, or before another one, cannot be written. */
const writable = text.filter((held) => !/\\(\\|"|$)/.test(held))
const name = fc.constantFrom('id', 'type', 'subject', 'hop', 'ttl', 'urgent', 'none', '7up')
const literal: fc.Arbitrary<Part> = fc
  .oneof(fc.boolean(), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.integer({ min: -3, max: 3 }), writable)
  .map((value) => ({ kind: 'literal', value }))
const operator = fc.constantFrom(...(Object.keys(LEVELS) as BinaryOperator[]))
const functionName = fc.oneof(fc.constantFrom(...FUNCTION_NAMES), fc.constant('NO_SUCH'))

/** Any expression, also one that only ever gives an error. */
export const anyNode: fc.Arbitrary<Node> = fc.letrec<{ node: Node }>((tie) => {
  const operand = tie('node')
  const list = fc.array(operand, { minLength: 1, maxLength: 3 })
  return {
    node: fc
      .oneof<fc.Arbitrary<Part>[]>(
        { depthSize: 'small', withCrossShrink: true },
        literal,
        fc.record({ kind: fc.constantFrom('attribute', 'exists'), name }),
        fc.record({ kind: fc.constantFrom('not', 'minus'), operand }),
        fc.record({ kind: fc.constant('binary'), operator, left: operand, right: operand }),
        fc.record({ kind: fc.constant('like'), negated: fc.boolean(), operand, pattern: writable }),
        fc.record({ kind: fc.constant('in'), negated: fc.boolean(), operand, members: list }),
        fc.record({ kind: fc.constant('call'), name: functionName, args: fc.array(operand, { maxLength: 3 }) }),
      )
      .map(node),
  }
}).node

/** Writes an expression; brackets stand only where the parser would read another one without. */
export function print(expression: Node): string {
  switch (expression.kind) {
    case 'literal':
      return typeof expression.value === 'string' ? quoted(expression.value) : String(expression.value)
    case 'attribute':
      return expression.name
    case 'exists':
      return `EXISTS ${expression.name}`
    case 'not':
      return `NOT ${inBrackets(expression.operand, UNARY_LEVEL)}`
    case 'minus':
      return `- ${inBrackets(expression.operand, UNARY_LEVEL)}`
    case 'binary': {
      const level = LEVELS[expression.operator]
      return `${inBrackets(expression.left, level)} ${expression.operator} ${inBrackets(expression.right, level + 1)}`
    }
    case 'like':
      return `${inBrackets(expression.operand, POSTFIX_LEVEL)}${negation(expression)} LIKE ${quoted(expression.pattern)}`
    case 'in':
      return `${inBrackets(expression.operand, POSTFIX_LEVEL)}${negation(expression)} IN (${expression.members.map(print).join(', ')})`
    case 'call':
      return `${expression.name}(${expression.args.map(print).join(',')})`
  }
}

const quoted = (value: string): string => `"${value.replaceAll('"', '\\"')}"`
const negation = ({ negated }: { readonly negated: boolean }): string => (negated ? ' NOT' : '')

function inBrackets(expression: Node, level: number): string {
  const own =
    expression.kind === 'binary'
      ? LEVELS[expression.operator]
      : expression.kind === 'like' || expression.kind === 'in'
        ? POSTFIX_LEVEL
        : UNARY_LEVEL
  return own < level ? `(${print(expression)})` : print(expression)
}
