/** The paths of rollouts: what canaries count and decided, and versions that are promoted and rolled back by hand. */

import * as z from 'zod'
import type { Decision, How } from '../delivery/rollout.ts'
import type { App } from './app.ts'
import { readBody } from './body.ts'
import type { AdminParts } from './parts.ts'
import { Problem } from './problem.ts'
import { parseBody } from './request.ts'

/** A route, or `name@version`. */
const wish = z.strictObject({ what: z.string().min(1) })

const DONE: Readonly<Record<string, How>> = { promote: 'promoted', rollback: 'rolledback' }

/** The answer comes once the weights hold. */
export function addRollouts(app: App, { rollouts }: AdminParts): void {
  app.get('/metrics/canary', ({ json }) => json({ routes: rollouts.views() }))
  for (const [verb, how] of Object.entries(DONE))
    app.post(`/admin/functions/${verb}`, async ({ env, json }) => {
      const { what } = parseBody(wish, await readBody(env.incoming))
      const decided = await rollouts.decide(how, what)
      if (decided.length === 0) throw new Problem(404, 'ROLLOUT_UNKNOWN', unknown(what, rollouts.weighted()))
      return json({ decided: decided.map(view) })
    })
}

const view = ({ candidate, decided, of: configured, route, weights }: Decision): object => ({
  route,
  candidate,
  decided,
  configured,
  weights,
})

function unknown(what: string, weighted: ReturnType<AdminParts['rollouts']['weighted']>): string {
  const there = weighted.map(({ route, versions }) => `"${route}" (${versions.join(', ')})`).join(', ')
  const which =
    there === ''
      ? 'no route has weights: write its "to" as { resize@2: 100, resize@3: 0 }'
      : `those that have weights are ${there}`
  return `"${what}" is neither a route that has weights for versions of one function, nor one of those versions; ${which}`
}
