/** Makes the canary of a route of its options, and reports one that has nothing to choose from. */

import type { RouteConfig } from '../router/config.ts'
import type { Canary, Route } from '../router/route.ts'
import { newest } from '../schema/index.ts'
import type { Reporter } from './names.ts'
import type { Path } from './tree.ts'

export function makeCanary(
  config: RouteConfig['canary'],
  { to, weights }: { readonly to: Route['to']; readonly weights: Route['weights'] | undefined },
  path: Path,
  reporter: Reporter,
): Canary | undefined {
  if (config === undefined) return undefined
  const names = new Set(
    to.map((target) => (target.kind === 'function' ? target.name : `${target.kind} ${target.text}`)),
  )
  if (weights === undefined || to.length < 2 || names.size > 1 || to.some(({ kind }) => kind !== 'function'))
    return reporter.report(path, 'a canary needs weights for two versions of one function or more', {
      on: 'key',
      suggestion: 'write them as in "to: { resize@2: 90, resize@3: 10 }"',
    })
  const candidate = newest(to.filter((target) => target.kind === 'function'))?.text
  const at = to.findIndex(({ text }) => text === candidate)
  if (weights[at] === 0)
    return reporter.report(
      path,
      `the newest version, "${candidate}", has no weight, so that nothing tells how good it is`,
      {
        on: 'key',
        suggestion: 'give it some of the events',
      },
    )
  const { auto_promote, auto_rollback, min_calls, p99, success_rate } = config
  return {
    successRate: success_rate,
    ...(p99 === undefined ? {} : { p99Ms: p99 }),
    minCalls: min_calls,
    autoPromote: auto_promote,
    autoRollback: auto_rollback,
  }
}
