/** Says why a route takes an event or does not: the first clause that is not true, and the values that it saw. */

import type { CloudEvent, Origin } from '../event/index.ts'
import { takesTopic } from '../event/topic.ts'
import { compileExpression, type Expression, isProblem } from './expression.ts'
import { failed } from './filter.ts'
import { conjuncts } from './guard.ts'
import { splitAddress, takesPath } from './patterns.ts'
import type { From } from './route.ts'
import type { Verdict } from './router.ts'
import { holds, keyOf, type Rule } from './rule.ts'
import { scan } from './scan.ts'
import { seen } from './seen.ts'
import type { Expr } from './types.ts'
import type { Variables } from './variables.ts'
import { choose } from './weights.ts'

/** Whether one `from` of a route takes events of this origin. */
export function takes(from: From, origin: Origin): boolean {
  switch (from.kind) {
    case 'any':
      return true
    case 'source':
      return from.source === origin.source && (from.address === undefined || from.address === origin.address)
    case 'mqtt':
      return origin.source === 'mqtt' && takesTopic(from.filter, origin.address)
    case 'http': {
      if (origin.source !== 'http') return false
      const [method, path] = splitAddress(origin.address)
      return (from.method === '*' || from.method === method) && takesPath(from.path, path)
    }
  }
}

/** The verdict of one route. Slower than a match, and without its index. */
export function verdict(rule: Rule, event: CloudEvent, origin: Origin, variables: Variables): Verdict {
  const route = rule.route.name
  if (!rule.route.from.some((from) => takes(from, origin)))
    return { route, takes: false, clause: 'from', saw: `${origin.source} ${origin.address}`.trim() }
  const unmet = failed(rule.filters, event)
  if (unmet) return { route, takes: false, ...unmet }
  if (!rule.when || holds(rule, variables)) return { route, takes: true, ...chosen(rule, event, variables) }
  const clause = clauses(rule.when).find((part) => {
    const answer = part.run(variables)
    return 'error' in answer || answer.value !== true
  })
  const untrue = clause ?? rule.when
  return { route, takes: false, clause: untrue.text, saw: saw(untrue, variables) }
}

function chosen(rule: Rule, event: CloudEvent, variables: Variables): Pick<Verdict, 'to' | 'by'> {
  const choice = choose(rule.route, event, keyOf(rule.orderBy, variables))
  return choice ? { to: choice.target.text, by: choice.by } : {}
}

/** The clauses of an expression as they are written, when cutting it at && gives expressions again. */
function clauses(when: Expression): readonly Expression[] {
  const parts = scan(when.text).clauses
  if (parts.length < 2 || conjuncts(when.ast).length < parts.length) return [when]
  const made = parts.map((part) => compileExpression(part, 'any')).filter((part) => 'run' in part)
  return made.length === parts.length ? made : [when]
}

function saw(clause: Expression, variables: Variables): string {
  const answer = clause.run(variables)
  const values = [...paths(clause.ast)].map((path) => `${path} = ${shown(compileExpression(path, 'any'), variables)}`)
  if ('error' in answer) values.push(`error: ${answer.error}`)
  return values.join(', ')
}

function shown(made: ReturnType<typeof compileExpression>, variables: Variables): string {
  const answer = isProblem(made) ? { error: made.message } : made.run(variables)
  if ('error' in answer) return 'absent'
  return seen(answer.value)
}

/** The attributes and fields of data that an expression names, outermost first. */
function paths(root: Expr): ReadonlySet<string> {
  const found = new Set<string>()
  const work: Expr[] = [root]
  for (let expr = work.shift(); expr; expr = work.shift()) {
    const path = pathText(expr)
    if (path !== undefined) found.add(path)
    else work.push(...children(expr))
  }
  return found
}

function pathText({ exprKind }: Expr): string | undefined {
  if (exprKind.case === 'identExpr') return exprKind.value.name
  if (exprKind.case !== 'selectExpr' || exprKind.value.testOnly || !exprKind.value.operand) return undefined
  const outer = pathText(exprKind.value.operand)
  return outer === undefined ? undefined : `${outer}.${exprKind.value.field}`
}

function children({ exprKind }: Expr): readonly Expr[] {
  if (exprKind.case === 'callExpr')
    return [...(exprKind.value.target ? [exprKind.value.target] : []), ...exprKind.value.args]
  if (exprKind.case === 'selectExpr') return exprKind.value.operand ? [exprKind.value.operand] : []
  if (exprKind.case === 'listExpr') return exprKind.value.elements
  // What a loop runs over is shown; its own variables are not there to be seen.
  return exprKind.case === 'comprehensionExpr' && exprKind.value.iterRange ? [exprKind.value.iterRange] : []
}
