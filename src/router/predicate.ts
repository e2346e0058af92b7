/** An expression over events on its own, for `tail` and for filters of the control API. */

import { GatewayError } from '../errors.ts'
import type { CloudEvent, Origin } from '../event/index.ts'
import { compileRouter } from './compile.ts'
import type { Route } from './route.ts'

/** Compiles an expression as a route's `when`. Throws EVENT_INVALID that says what is wrong with it, and where. */
export function compilePredicate(when: string): (event: CloudEvent, origin: Origin) => boolean {
  const retry = { max: 0, backoff: 'constant', delayMs: 0, capMs: 0, jitter: 'none', except: [] } as const
  const from = [{ kind: 'any' }] as const
  const route: Route = { name: 'when', from, when, to: [], retry, concurrency: 1, timeoutMs: 0, delivery: 'auto' }
  const { problems, router } = compileRouter([route])
  const [problem] = problems
  if (problem) {
    const place = `at character ${problem.offset + 1}`
    throw new GatewayError('EVENT_INVALID', `when (expression): compiling: ${problem.message}, ${place}`)
  }
  return (event, origin) => router.match(event, origin).length > 0
}
