/** Method and path -> what is done. */

import { callFunction, callRoute } from './calls.ts'
import { postEvents, shakeHands } from './events.ts'
import type { Exchange } from './exchange.ts'
import { callHook } from './hooks.ts'
import { callName, segmentName } from './names.ts'
import type { Parts } from './parts.ts'
import { HttpProblem } from './problem.ts'
import { readCall, readHealth, readReady } from './status.ts'

/** Serves one request. Rejects with what the caller is to be told. */
export async function serve(parts: Parts, exchange: Exchange): Promise<void> {
  const { method, path } = exchange
  const hook = parts.context.hooks.find(path)
  if (hook) return takes(parts, () => callHook(parts, exchange, hook))
  if (path === '/events') {
    if (method === 'OPTIONS') return shakeHands(parts, exchange)
    only(exchange, 'POST', 'OPTIONS')
    return takes(parts, () => postEvents(parts, exchange))
  }
  if (path.startsWith('/call/')) {
    only(exchange, 'POST')
    return takes(parts, () => callFunction(parts, exchange, callName(path)))
  }
  if (path.startsWith('/calls/')) {
    only(exchange, 'GET', 'HEAD')
    return readCall(parts, exchange, segmentName(path.slice('/calls/'.length)))
  }
  if (path === '/health' || path === '/ready') {
    only(exchange, 'GET', 'HEAD')
    return path === '/health' ? readHealth(parts, exchange) : readReady(parts, exchange)
  }
  return takes(parts, () => callRoute(parts, exchange))
}

/** Refuses before the body is read when there is no room for it. */
function takes({ context, slots }: Parts, work: () => Promise<void>): Promise<void> {
  const refusal = context.credit.refusal() ?? (slots.full ? slots.overloaded : undefined)
  if (refusal) throw refusal
  return work()
}

function only({ method, path }: Exchange, ...allowed: readonly string[]): void {
  if (allowed.includes(method)) return
  const allow = allowed.join(', ')
  throw new HttpProblem(405, 'NO_ROUTE', `${path} is not offered with ${method}; use ${allow}`, { allow })
}
