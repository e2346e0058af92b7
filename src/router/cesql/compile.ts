/** Compiles a CESQL expression once: limits, then syntax; then it runs on any event and never throws. */

import type { CloudEvent } from '../../event/index.ts'
import type { Node } from './ast.ts'
import { compileNode } from './evaluator.ts'
import { Mistake } from './lexer.ts'
import { parseSql } from './parser.ts'
import type { Outcome } from './value.ts'

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
