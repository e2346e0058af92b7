/** Compiles a CEL expression once: limits, syntax, types; then it runs on any event and never throws. */

import { type CelEnv, CelScalar, celEnv, celFunc, isCelError, parse, plan } from '@bufbuild/cel'
import { scan } from './scan.ts'
import { article, type Expr, TypeMistake, typeOf } from './types.ts'
import type { Variables } from './variables.ts'

/** The parser recurses: 3,000 brackets overflow the stack, and these bounds keep it far from that and under 50 ms. */
const MAX_LENGTH = 4_096
const MAX_DEPTH = 32
/** Steps of `all`, `exists`, `map` and the like in one evaluation, nested ones together: about 20 ms. */
const MAX_STEPS = 20_000

/** What an expression said of an event. */
export type Answer = { readonly value: unknown } | { readonly error: string }

export interface Expression {
  readonly text: string
  readonly ast: Expr
  run(variables: Variables): Answer
}

export interface ExpressionProblem {
  /** Characters from the start of the expression. */
  readonly offset: number
  readonly message: string
}

let steps = 0

const env: CelEnv = celEnv({
  funcs: [
    celFunc('@step', [], CelScalar.BOOL, () => {
      if (++steps > MAX_STEPS) throw new Error(`more than ${MAX_STEPS} steps`)
      return true
    }),
  ],
})

/** Compiles an expression whose value must be of `wanted`; `any` takes all. Returns the problem when it has one. */
export function compileExpression(text: string, wanted: 'bool' | 'any'): Expression | ExpressionProblem {
  const limit = beyondLimits(text)
  if (limit) return limit
  try {
    return checked(text, wanted)
  } catch (error) {
    if (error instanceof RangeError)
      return { offset: 0, message: 'the expression nests too deep; split it into routes' }
    throw error
  }
}

/** Whether compiling gave a problem and not an expression. */
export const isProblem = (made: Expression | ExpressionProblem): made is ExpressionProblem => 'message' in made

function beyondLimits(text: string): ExpressionProblem | undefined {
  if (text.length > MAX_LENGTH)
    return { offset: MAX_LENGTH, message: `the expression has ${text.length} characters; at most ${MAX_LENGTH}` }
  const { depth } = scan(text)
  if (depth > MAX_DEPTH) return { offset: 0, message: `the expression nests ${depth} deep; at most ${MAX_DEPTH}` }
  return text.trim() === ''
    ? { offset: 0, message: 'the expression is empty; leave the key out to take all' }
    : undefined
}

function checked(text: string, wanted: 'bool' | 'any'): Expression | ExpressionProblem {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(text)
  } catch (error) {
    if (error instanceof RangeError) throw error
    return syntaxProblem(text, error)
  }
  try {
    const type = typeOf(parsed.expr, env)
    if (wanted === 'bool' && type !== CelScalar.BOOL && type !== CelScalar.DYN)
      return { offset: 0, message: `expected a condition, got ${article(type.name)}; compare it with something` }
  } catch (error) {
    if (!(error instanceof TypeMistake)) throw error
    return { offset: offsetOf(text, parsed.sourceInfo?.positions[error.id.toString()]), message: error.message }
  }
  countSteps(parsed.expr)
  const program = plan(env, parsed)
  return { text, ast: parsed.expr, run: (variables) => run(program, variables) }
}

function run(program: ReturnType<typeof plan>, variables: Variables): Answer {
  steps = 0
  try {
    const value: unknown = program(variables as Parameters<typeof program>[0])
    return isCelError(value) ? { error: value.message } : { value }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

/** Positions of operators count the white space before them. */
function offsetOf(text: string, position = 0): number {
  const rest = text.slice(position)
  return position + rest.length - rest.trimStart().length
}

function syntaxProblem(text: string, error: unknown): ExpressionProblem {
  const { location, found } = error as { location?: { start: { offset: number } }; found?: string | null }
  const offset = location?.start.offset ?? 0
  const what = found ? `unexpected ${text.slice(offset).trimStart().split(/\s/, 1)[0] ?? found}` : 'it ends too early'
  return { offset, message: `this is no expression: ${what}` }
}

/** Has each turn of each loop take a step, so that no event can make an expression run for seconds. */
function countSteps(root: Expr): void {
  const work = [root]
  for (let expr = work.pop(); expr; expr = work.pop()) {
    const { exprKind } = expr
    if (exprKind.case === 'selectExpr' && exprKind.value.operand) work.push(exprKind.value.operand)
    if (exprKind.case === 'listExpr') work.push(...exprKind.value.elements)
    if (exprKind.case === 'structExpr')
      for (const { value, keyKind } of exprKind.value.entries)
        work.push(...(value ? [value] : []), ...(keyKind.case === 'mapKey' ? [keyKind.value] : []))
    if (exprKind.case === 'callExpr')
      work.push(...exprKind.value.args, ...(exprKind.value.target ? [exprKind.value.target] : []))
    if (exprKind.case === 'comprehensionExpr') {
      const loop = exprKind.value
      for (const part of [loop.iterRange, loop.accuInit, loop.loopStep, loop.result]) if (part) work.push(part)
      if (loop.loopCondition) loop.loopCondition = call('_?_:_', [call('@step', []), loop.loopCondition, falsehood()])
    }
  }
}

const node = (exprKind: Expr['exprKind']): Expr => ({ $typeName: 'cel.expr.Expr', id: 0n, exprKind })

const call = (name: string, args: Expr[]): Expr =>
  node({ case: 'callExpr', value: { $typeName: 'cel.expr.Expr.Call', function: name, args } })

const falsehood = (): Expr =>
  node({
    case: 'constExpr',
    value: { $typeName: 'cel.expr.Constant', constantKind: { case: 'boolValue', value: false } },
  })
