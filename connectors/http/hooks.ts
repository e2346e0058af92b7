/** Requests to paths that sources have taken for what is posted to them. */

import type { Hook } from '#connector'
import { readBody } from './body.ts'
import { type Exchange, send } from './exchange.ts'
import type { Parts } from './parts.ts'

const EMPTY = new Uint8Array()

/** Answers with the status that the source gives. */
export async function callHook({ config }: Parts, exchange: Exchange, hook: Hook): Promise<void> {
  const { headers, method } = exchange
  const body = method === 'POST' ? await readBody(exchange, config.body_limit) : EMPTY
  const { retryAfterMs, status } = await hook({ method, headers, body })
  send(exchange, status, retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) })
}
