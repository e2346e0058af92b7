/** Requests that are calls: the event is emitted, and the caller gets the reply, or a place to read it from. */

import {
  CALL_EXTENSIONS,
  type CallReply,
  type CloudEvent,
  checkJson,
  extension,
  type GatewayError,
  httpMode,
  isJsonType,
  type Receipt,
  uuidv7,
  withExtensions,
} from '#connector'
import { readBody } from './body.ts'
import { callIdHeader, type Exchange, send, sendJson } from './exchange.ts'
import { requireFunction } from './names.ts'
import { checkCallNames, idempotencyKey, normalizeCall, normalizeRequest, traced } from './normalize.ts'
import type { Parts } from './parts.ts'
import { readPreferences } from './prefer.ts'
import { HttpProblem, refuse, replyProblem } from './problem.ts'
import type { WaitEnd } from './waits.ts'

/** POST /call/<function> and /call/<service>/<function>: calls a function by its name, with the body as its parameters. */
export async function callFunction(parts: Parts, exchange: Exchange, name: string): Promise<void> {
  requireFunction(parts.context, name)
  const body = await readBody(exchange, parts.config.body_limit)
  if (httpMode(exchange.headers) === undefined && body.length > 0) requireJson(exchange, body)
  const event = normalizeCall({ ...exchange, body }, given(parts), name)
  await answer(parts, exchange, event, `POST /call/${name}`)
}

/** Any other request: a call of whatever `http:` route takes its method and path. */
export async function callRoute(parts: Parts, exchange: Exchange): Promise<void> {
  const body = await readBody(exchange, parts.config.body_limit)
  const event = normalizeRequest({ ...exchange, body }, given(parts))
  await answer(parts, exchange, event, `${exchange.method} ${exchange.path}`)
}

const given = ({ context }: Parts) => ({ name: context.name, id: uuidv7(), now: Date.now() })

async function answer(parts: Parts, exchange: Exchange, normalized: CloudEvent, address: string): Promise<void> {
  const event = traced(checkCallNames(normalized, parts.context), exchange.headers)
  const { prefer } = exchange.headers
  const { respondAsync, waitMs } = readPreferences(typeof prefer === 'string' ? prefer : undefined)
  if (respondAsync && waitMs === undefined) await answerLater(parts, exchange, event, address)
  else await answerWithReply(parts, exchange, event, { address, respondAsync, waitMs: waitMs ?? parts.config.wait })
}

/** 202, and where the reply can be read. */
async function answerLater(parts: Parts, exchange: Exchange, event: CloudEvent, address: string): Promise<void> {
  const callId = extension(event, CALL_EXTENSIONS.callId) ?? uuidv7()
  const receipt = await parts.emit(asCall(event, callId), { address })
  if (!isTaken(receipt)) throw noRoute(parts, address)
  sendAccepted(exchange, receipt)
}

/** A route that has had one of its name has taken the event: it was asked for twice, and is no mistake. */
const isTaken = ({ repeated, routes }: Receipt): boolean => routes.length > 0 || repeated !== undefined

function sendAccepted(exchange: Exchange, { callId, duplicate }: Receipt): void {
  const headers = { location: `/calls/${encodeURIComponent(callId)}`, 'preference-applied': 'respond-async' }
  sendJson(exchange, 202, { callId, duplicate }, { ...headers, ...callIdHeader(callId) })
}

interface Waiting {
  readonly address: string
  readonly respondAsync: boolean
  readonly waitMs: number
}

async function answerWithReply(
  parts: Parts,
  exchange: Exchange,
  event: CloudEvent,
  { address, respondAsync, waitMs }: Waiting,
): Promise<void> {
  const { calls } = parts.context
  const named = extension(event, CALL_EXTENSIONS.callId)
  const callId = named ?? uuidv7()
  // Who comes back with the same key wants the work done, also when this connection is lost.
  const once = !respondAsync && idempotencyKey(exchange.headers) === undefined
  const ms = Math.min(waitMs, parts.config.max_wait, untilDeadline(event))
  const wait = parts.waits.begin(ms, exchange.response)
  const reply = settled(calls.reply(callId, wait.signal))
  let receipt: Receipt | undefined
  try {
    receipt = await parts.emit(asCall(event, callId, respondAsync ? undefined : ms), {
      address,
      direct: once && named === undefined,
    })
    if (!isTaken(receipt)) throw noRoute(parts, address)
    const outcome = await reply
    if (typeof outcome === 'object') wait.over()
    if (typeof outcome === 'object') sendReply(exchange, { ...outcome, callId: receipt.callId })
    else if (respondAsync && outcome === 'time') sendAccepted(exchange, receipt)
    else if (outcome !== 'gone') throw unanswered(parts, outcome, receipt, ms)
  } finally {
    // `aborted` with this reason is how a caller that left is known; one whose emit is still under way included.
    if (once && wait.signal.reason === 'gone') calls.cancel(receipt?.callId ?? callId)
    wait.end('done')
  }
}

/** Resolves with the reply, or with why there is none; rejects with what else went wrong. */
const settled = (reply: Promise<CallReply>): Promise<CallReply | WaitEnd> => {
  const caught = reply.catch((reason: unknown) => {
    if (reason === 'time' || reason === 'gone' || reason === 'stopping' || reason === 'done') return reason
    throw reason
  })
  // Awaited later, or never when the emit rejects: that is no unhandled rejection.
  caught.catch(() => {})
  return caught
}

function asCall(event: CloudEvent, callId: string, waitMs?: number): CloudEvent {
  const extensions: Record<string, string> = { [CALL_EXTENSIONS.callId]: callId }
  // A reply topic that the caller named is served; otherwise the reply is for HTTP alone.
  if (waitMs !== undefined || event.extensions?.[CALL_EXTENSIONS.replyTo] === undefined)
    extensions[CALL_EXTENSIONS.replyForm] = 'http'
  if (waitMs !== undefined) extensions[CALL_EXTENSIONS.deadline] = new Date(Date.now() + waitMs).toISOString()
  return withExtensions(event, extensions)
}

function untilDeadline(event: CloudEvent): number {
  const instant = Date.parse(extension(event, CALL_EXTENSIONS.deadline) ?? '')
  return Number.isNaN(instant) ? Number.POSITIVE_INFINITY : Math.max(0, instant - Date.now())
}

function sendReply(exchange: Exchange, { callId, cold, data, datacontenttype, error, httpStatus }: CallReply): void {
  const headers = { ...callIdHeader(callId), ...(cold && { 'headgate-cold': 'true' }) }
  if (error) throw replyProblem(error, headers)
  const status = httpStatus ?? 200
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw new HttpProblem(
      500,
      'FUNCTION_INVALID',
      `the function answered with status ${status}; 200 to 599 are sent`,
      headers,
    )
  const type = data !== undefined && datacontenttype !== undefined && isHeaderSafe(datacontenttype)
  send(exchange, status, type ? { ...headers, 'content-type': datacontenttype } : headers, data)
}

const isHeaderSafe = (value: string): boolean => /^[\x20-\x7e]+$/.test(value)

function unanswered(parts: Parts, why: WaitEnd, { callId }: Receipt, ms: number): Error {
  const place = `/calls/${encodeURIComponent(callId)}`
  const headers = { ...callIdHeader(callId), location: place }
  if (why === 'stopping')
    return new HttpProblem(503, 'STOPPING', `the gateway is stopping; read the reply at ${place} once it is back`, {
      ...headers,
      'retry-after': '5',
    })
  return new HttpProblem(
    504,
    'CALL_TIMED_OUT',
    `${parts.context.name} (http): waiting for the reply: none came within ${ms} ms; send "prefer: respond-async" and read ${place}, or "prefer: wait=<seconds>"`,
    headers,
  )
}

const noRoute = ({ context }: Parts, address: string): GatewayError =>
  refuse('NO_ROUTE', context.name, `routing "${address}": no route takes it; add one with "from: http:${address}"`)

function requireJson({ headers }: Exchange, body: Uint8Array): void {
  const contentType = headers['content-type']
  // Strict on purpose: a web page may send any other type to this port without asking.
  if (typeof contentType !== 'string' || !isJsonType(contentType))
    throw new HttpProblem(
      415,
      'EVENT_INVALID',
      `parameters are JSON, and content-type is ${contentType ?? 'missing'}; send "content-type: application/json"`,
      { accept: 'application/json' },
    )
  checkJson(body)
}
