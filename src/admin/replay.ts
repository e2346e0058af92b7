/** Replays over the control API: one request that lasts as long as the replay, answered by a line for each step. */

import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import * as z from 'zod'
import type { ReplayProgress, ReplayWish } from '../delivery/replay.ts'
import type { App } from './app.ts'
import { readBody } from './body.ts'
import type { AdminParts } from './parts.ts'
import { Problem, toProblem } from './problem.ts'
import { defined, instant, parseBody } from './request.ts'

const wish = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'expected up to 64 letters, digits, dots, hyphens and underscores'),
  from: instant.optional(),
  to: instant.optional(),
  route: z.string().min(1).optional(),
  when: z.string().min(1).optional(),
  rate: z.number().positive().optional(),
  dryRun: z.boolean().optional(),
})

/** Whoever asks hangs up to end it: asked again under the same name, it goes on. */
export function addReplay(app: App, parts: AdminParts): void {
  app.post('/admin/replay', async ({ env }) => {
    const asked = readWish(await readBody(env.incoming), parts)
    const leave = new AbortController()
    env.outgoing.once('close', () => leave.abort())
    void tell(env.outgoing, asked, parts, leave.signal)
    return RESPONSE_ALREADY_SENT
  })
}

function readWish(body: Buffer, { predicate, targets }: AdminParts): ReplayWish {
  const { when, ...rest } = defined(parseBody(wish, body))
  if (rest.route !== undefined && targets(rest.route) === undefined)
    throw new Problem(400, 'ROUTE_UNKNOWN', `route: there is no route "${rest.route}" in the configuration that runs`)
  return { ...defined(rest), ...(when === undefined ? {} : { when: predicate(when) }) }
}

async function tell(
  outgoing: ServerResponse,
  asked: ReplayWish,
  parts: AdminParts,
  signal: AbortSignal,
): Promise<void> {
  outgoing.writeHead(200, { 'content-type': 'application/x-ndjson; charset=utf-8', 'cache-control': 'no-store' })
  outgoing.flushHeaders()
  let last: ReplayProgress | undefined
  try {
    for await (const progress of parts.replay(asked, signal)) {
      last = progress
      if (!outgoing.write(line(progressView(progress)))) await once(outgoing, 'drain', { signal })
    }
    outgoing.end(line({ done: true }))
    parts.log.info({ ...asked, ...last }, `admin: replay "${asked.name}" is through`)
  } catch (error) {
    parts.log.warn(
      { ...asked, ...last, ...(signal.aborted ? {} : { err: error }) },
      `admin: replay "${asked.name}" ended early`,
    )
    const { code, message } = toProblem(error)
    outgoing.end(line({ error: { code, detail: message } }))
  }
}

const line = (view: object): string => `${JSON.stringify(view)}\n`

const progressView = ({ at, ...counts }: ReplayProgress): object => ({
  ...counts,
  ...(at === undefined ? {} : { at: new Date(at).toISOString() }),
})
