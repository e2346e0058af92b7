/** An expression as a condition: what can be said of it before any event, and which parts of it must all be true. */

import { nearest } from '../../schema/index.ts'
import { type Node, partsOf } from './ast.ts'
import { compileSql, isSqlProblem, type Sql, type SqlProblem } from './compile.ts'
import { compileNode } from './evaluator.ts'
import { argumentsOf, FUNCTION_NAMES, functionOf } from './functions.ts'
import type { Kind } from './value.ts'

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

/** The clauses of an expression that must all be true, as they are written; each is an expression of its own. */
export function clausesOf(sql: Sql): readonly Sql[] {
  return conjuncts(sql.root).map((root) => {
    const { end, start } = root
    // AND casts what stands beside it: a clause is true when that is.
    const yes: Node = { kind: 'literal', value: true, start: end, end }
    const run = compileNode({ kind: 'binary', operator: 'AND', left: root, right: yes, start, end })
    return { text: sql.text.slice(start, end), root, run: (event) => run({ event, steps: 0 }) }
  })
}

function conjuncts(root: Node): readonly Node[] {
  const found: Node[] = []
  const work: Node[] = [root]
  for (let node = work.pop(); node; node = work.pop()) {
    if (node.kind === 'binary' && node.operator === 'AND') work.push(node.right, node.left)
    else found.push(node)
  }
  return found
}

/** The attributes that an expression names, each once, in order. */
export function attributesOf(root: Node): readonly string[] {
  const found = new Set<string>()
  const work: Node[] = [root]
  for (let node = work.pop(); node; node = work.pop()) {
    if (node.kind === 'attribute' || node.kind === 'exists') found.add(node.name)
    work.push(...partsOf(node).toReversed())
  }
  return [...found]
}
