/** The paths of sources: one is paused, so that what comes waits upstream, and resumed. */

import * as z from 'zod'
import type { App } from './app.ts'
import { readBody } from './body.ts'
import type { AdminParts } from './parts.ts'
import { Problem } from './problem.ts'
import { parseBody } from './request.ts'

const wish = z.strictObject({ source: z.string().min(1) })

export function addSources(app: App, { log, pauses }: AdminParts): void {
  for (const isPaused of [true, false]) {
    const done = isPaused ? 'paused' : 'resumed'
    app.post(`/admin/sources/${isPaused ? 'pause' : 'resume'}`, async ({ env, json }) => {
      const { source } = parseBody(wish, await readBody(env.incoming))
      const changed = isPaused ? pauses.pause(source) : pauses.resume(source)
      if (changed === undefined)
        throw new Problem(
          404,
          'SOURCE_UNKNOWN',
          `source: there is no source "${source}" in the configuration that runs`,
        )
      if (changed) log.info({ source }, `admin: a source was ${done}`)
      return json({ source, paused: isPaused, changed })
    })
  }
}
