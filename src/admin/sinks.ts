/** The path of sinks: one that is gone is tried again. */

import * as z from 'zod'
import type { App } from './app.ts'
import { readBody } from './body.ts'
import type { AdminParts } from './parts.ts'
import { Problem } from './problem.ts'
import { parseBody } from './request.ts'

const wish = z.strictObject({ sink: z.string().min(1) })

/** What waits for a sink goes on, one delivery first; when that hears again that the sink is gone, it is held again. */
export function addSinks(app: App, { log, resume }: AdminParts): void {
  app.post('/admin/sinks/resume', async ({ env, json }) => {
    const { sink } = parseBody(wish, await readBody(env.incoming))
    const resumed = resume(sink)
    if (resumed === undefined)
      throw new Problem(404, 'SINK_UNKNOWN', `sink: there is no sink "${sink}" in the configuration that runs`)
    log.info({ sink, resumed }, 'admin: a sink was resumed')
    return json({ resumed })
  })
}
