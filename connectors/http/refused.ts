/** Tells the gateway of requests that were not accepted, so that whoever asks for one hears why. */

import { type Context, type ErrorCode, GatewayError, toGatewayError } from '#connector'
import type { Exchange } from './exchange.ts'
import { HttpProblem } from './problem.ts'

/** Without an event of their own: what a request is for is read, or somebody asks whether the gateway is there. */
const ASKING = new Set(['GET', 'HEAD', 'OPTIONS'])

export function tellRefused(
  context: Context,
  { headers, method, path, request }: Pick<Exchange, 'headers' | 'method' | 'path' | 'request'>,
  thrown: unknown,
): void {
  // The answer of a function is no refusal.
  if (ASKING.has(method) || (thrown instanceof HttpProblem && thrown.more['errortype'] !== undefined)) return
  const error = thrown instanceof HttpProblem ? asError(thrown, context.name) : toGatewayError(thrown)
  const client = request.socket.remoteAddress
  const callId = headers['ce-callid'] ?? headers['idempotency-key']
  context.refused?.(error, {
    address: `${method} ${path}`,
    ...(client === undefined ? {} : { client }),
    ...(typeof callId === 'string' ? { callId } : {}),
  })
}

const CODES: Readonly<Record<string, ErrorCode>> = { NO_ROUTE: 'NO_ROUTE', STOPPING: 'STOPPING' }

const asError = ({ code, message }: HttpProblem, name: string): GatewayError =>
  new GatewayError(CODES[code] ?? 'EVENT_INVALID', `${name} (http): reading a request: ${message}`)
