/** CESQL 1.0, the SQL of CloudEvents: compiles an expression once; then it runs on any event and never throws. */

import type { CloudEvent } from '../../event/index.ts'
import { nearest } from '../../schema/index.ts'
import { type Node, partsOf } from './ast.ts'
import { compileNode } from './evaluator.ts'
import { argumentsOf, FUNCTION_NAMES, functionOf } from './functions.ts'
import { Mistake } from './lexer.ts'
import { parseSql } from './parser.ts'
import { isFault, type Kind, type Outcome } from './value.ts'

export { type Node as SqlNode, partsOf } from './ast.ts'
export { type Fault, isFault, type Outcome, shown } from './value.ts'

/** Longer expressions are refused. */
export const MAX_LENGTH = 4_096

/** What is wrong with an expression; `offset` counts characters from its start. */
export interface SqlProblem {
  readonly offset: number
  readonly message: string
}

export interface Sql {
  readonly text: string
  readonly root: Node
  /** The value on an event, or the error that the evaluation gave. Never throws. */
  run(event: CloudEvent): Outcome
}

/** Compiles an expression; returns the problem when it is none. One that calls an unknown function gives its error on every event. */
export function compileSql(text: string): Sql | SqlProblem {
  if (text.length > MAX_LENGTH)
    return { offset: MAX_LENGTH, message: `the expression has ${text.length} characters; at most ${MAX_LENGTH}` }
  if (text.trim() === '') return { offset: 0, message: 'the expression is empty' }
  try {
    const root = parseSql(text)
    const run = compileNode(root)
    return { text, root, run: (event) => run({ event, steps: 0 }) }
  } catch (error) {
    if (!(error instanceof Mistake)) throw error
    return { offset: error.offset, message: `this is no CESQL expression: ${error.message}` }
  }
}

/** Whether compiling gave a problem and not an expression. */
export const isSqlProblem = (made: Sql | SqlProblem): made is SqlProblem => 'message' in made

/** Compiles an expression that is to be a filter: one that can be true of no event has a problem, too. */
export function compileCondition(text: string): Sql | SqlProblem {
  const made = compileSql(text)
  return isSqlProblem(made) ? made : (mistakeOf(made.root) ?? made)
}

function mistakeOf(root: Node): SqlProblem | undefined {
  const kind = kindOf(root)
  if (kind === 'Integer' || kind === 'String')
    return { offset: root.start, message: `expected a condition, got ${NOUNS[kind]}; compare it with something` }
  const work: Node[] = [root]
  for (let node = work.pop(); node; node = work.pop()) {
    const message = wrong(node)
    if (message !== undefined) return { offset: node.start, message }
    work.push(...partsOf(node).toReversed())
  }
  return undefined
}

function wrong(node: Node): string | undefined {
  if (node.kind === 'attribute' || node.kind === 'exists')
    return node.name === 'data' ? 'CESQL sees attributes and no data; `when` reads data' : undefined
  if (node.kind !== 'call' || functionOf(node.name, node.args.length)) return undefined
  const takes = argumentsOf(node.name)
  if (takes !== undefined) return `${node.name} takes ${takes} arguments, got ${node.args.length}`
  const close = nearest(node.name, FUNCTION_NAMES)
  return `there is no function ${node.name}; ${close ? `did you mean ${close}?` : `there are ${FUNCTION_NAMES.join(', ')}`}`
}

const NOUNS = { Integer: 'an integer', String: 'a string' } as const
const ARITHMETIC: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%'])

/** The type that an expression has on every event; undefined where the event tells. */
function kindOf(node: Node): Kind | undefined {
  switch (node.kind) {
    case 'attribute':
      return undefined
    case 'literal':
      return typeof node.value === 'string' ? 'String' : typeof node.value === 'number' ? 'Integer' : 'Boolean'
    case 'minus':
      return 'Integer'
    case 'binary':
      return ARITHMETIC.has(node.operator) ? 'Integer' : 'Boolean'
    case 'call':
      return functionOf(node.name, node.args.length)?.gives
    default:
      return 'Boolean'
  }
}

/** Whether an event passes an expression: it is true, not merely something, and no error arose. */
export const passes = (sql: Sql, event: CloudEvent): boolean => sql.run(event) === true

/** The parts that must all be true. */
export const conjunctsOf = (node: Node): readonly Node[] =>
  node.kind === 'binary' && node.operator === 'AND' ? [...conjunctsOf(node.left), ...conjunctsOf(node.right)] : [node]

/** Says what an evaluation came to when it was not true. */
export const faultOf = (outcome: Outcome): string | undefined => (isFault(outcome) ? outcome.message : undefined)
