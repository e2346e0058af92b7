/** Makes the timing controls of a route of their options, and reports those that do not go together. */

import type { RouteConfig } from '../router/config.ts'
import type { Controls } from '../router/route.ts'
import type { Reporter } from './names.ts'
import type { Path } from './tree.ts'

/** Options that need the journal: what skips it knows no time. */
const TIMED = ['delay'] as const

/** Returns the controls of a route; undefined when it has none. */
export function makeControls(config: RouteConfig, path: Path, reporter: Reporter): Controls | undefined {
  const given = TIMED.filter((name) => config[name] !== undefined)
  if (config.delivery === 'direct')
    for (const name of given)
      reporter.report([...path, name], `"${name}" needs the journal, which "delivery: direct" skips`, {
        suggestion: 'write "delivery: durable"',
      })
  if (given.length === 0) return undefined
  const { delay } = config
  return { ...(delay === undefined ? {} : { delayMs: delay }) }
}
