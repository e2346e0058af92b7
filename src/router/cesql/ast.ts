/** The parts of a CESQL expression, each with the place that it has in the text. */

import type { Value } from './value.ts'

export type Comparison = '=' | '!=' | '<>' | '<' | '<=' | '>' | '>='
export type Arithmetic = '*' | '/' | '%' | '+' | '-'
export type Logic = 'AND' | 'OR' | 'XOR'
export type BinaryOperator = Comparison | Arithmetic | Logic

/** A part of an expression, without its place. */
export type Part =
  | { readonly kind: 'literal'; readonly value: Value }
  /** Names are in lower case. */
  | { readonly kind: 'attribute' | 'exists'; readonly name: string }
  | { readonly kind: 'not' | 'minus'; readonly operand: Node }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Node; readonly right: Node }
  | { readonly kind: 'like'; readonly negated: boolean; readonly operand: Node; readonly pattern: string }
  | { readonly kind: 'in'; readonly negated: boolean; readonly operand: Node; readonly members: readonly Node[] }
  /** The name is in upper case. */
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[] }

/** A part of an expression; `start` and `end` count characters of the text. */
export type Node = Part & { readonly start: number; readonly end: number }

/** How tightly each operator binds, LIKE and IN tighter still; those of one level go from left to right (section 3.6), AND, OR and XOR too. */
export const LEVELS: Readonly<Record<BinaryOperator, number>> = {
  AND: 1,
  OR: 1,
  XOR: 1,
  '=': 2,
  '!=': 2,
  '<>': 2,
  '<': 2,
  '<=': 2,
  '>': 2,
  '>=': 2,
  '+': 3,
  '-': 3,
  '*': 4,
  '/': 4,
  '%': 4,
}

/** The parts directly inside one. */
export function partsOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'literal':
    case 'attribute':
    case 'exists':
      return []
    case 'not':
    case 'minus':
    case 'like':
      return [node.operand]
    case 'binary':
      return [node.left, node.right]
    case 'in':
      return [node.operand, ...node.members]
    case 'call':
      return node.args
  }
}
