/** What can be read: the state of a call, and of the gateway. */

import type { CallReply, CallState } from '#connector'
import { type Exchange, sendJson } from './exchange.ts'
import type { Parts } from './parts.ts'
import { HttpProblem } from './problem.ts'

/** GET /calls/<callId>: what is known of a call, its reply included. */
export async function readCall({ context }: Parts, exchange: Exchange, callId: string): Promise<void> {
  const state = await context.calls.find(callId)
  if (state === undefined)
    throw new HttpProblem(
      404,
      'NO_ROUTE',
      `no call of this callId is held; it was never accepted, or is older than journal.retain, or ran without the journal`,
    )
  sendJson(exchange, 200, shownCall(state), { 'cache-control': 'no-store' })
}

/** GET /health: whether the process can do its work at all. */
export function readHealth({ context }: Parts, exchange: Exchange): void {
  const alive = context.health.alive()
  sendJson(exchange, alive ? 200 : 503, { status: alive ? 'ok' : 'failed' }, { 'cache-control': 'no-store' })
}

/** GET /ready: each check; 503 that names those that fail. */
export async function readReady({ context }: Parts, exchange: Exchange): Promise<void> {
  const checks = await context.health.ready()
  const failing = checks.filter(({ ok }) => !ok)
  if (failing.length === 0) return sendJson(exchange, 200, { status: 'ready', checks }, { 'cache-control': 'no-store' })
  const detail = failing.map(({ name, detail: why }) => (why === undefined ? name : `${name}: ${why}`)).join('; ')
  throw new HttpProblem(503, 'SOURCE_UNAVAILABLE', `not ready: ${detail}`, { 'retry-after': '1' }, { checks })
}

const shownCall = ({ reply, ...state }: CallState): object => ({
  ...state,
  ...(reply === undefined ? {} : { reply: shownReply(reply) }),
})

/** JSON data in place, other text as a string, anything else as base64. */
function shownReply({ status, data, datacontenttype, httpStatus, error }: CallReply): object {
  const head = { status, httpStatus, datacontenttype, error }
  if (data === undefined) return head
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(buffer)
    return { ...head, data: datacontenttype?.includes('json') ? JSON.parse(text) : text }
  } catch {
    return { ...head, data_base64: buffer.toString('base64') }
  }
}
