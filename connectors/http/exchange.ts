/** One request and its answer. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { encodeHeader, type HttpHeaders } from '#connector'
import { type HttpProblem, problemBody } from './problem.ts'

export interface Exchange {
  readonly method: string
  /** As it was sent, percent-encoding kept. */
  readonly path: string
  /** Without the question mark; empty when there is none. */
  readonly query: string
  readonly headers: HttpHeaders
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly listener: Listener
}

/** What all requests of one listener share. */
export interface Listener {
  /** Connections are closed after the answer that is under way. */
  stopping: boolean
}

/** Reads the request line. A target in absolute form (RFC 9112, 3.2.2) counts by its path. */
export function openExchange(request: IncomingMessage, response: ServerResponse, listener: Listener): Exchange {
  const target = request.url ?? '/'
  const url = target.startsWith('/') ? target : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '')
  const mark = url.indexOf('?')
  return {
    method: request.method ?? 'GET',
    path: (mark < 0 ? url : url.slice(0, mark)) || '/',
    query: mark < 0 ? '' : url.slice(mark + 1),
    headers: request.headers,
    request,
    response,
    listener,
  }
}

/** The header that names the call; a callId that a caller chose may need escaping. */
export const callIdHeader = (callId: string) => ({ 'headgate-call-id': encodeHeader(callId) })

/**
 * Answers with a body, or with none. An answer to someone who went away is dropped. A string leaves with the head in one
 * write; bytes take a second one, which costs a tenth of a small request (profiled). So short bytes go as the string that
 * has a character for each.
 */
export function send(
  { response, request, listener }: Exchange,
  status: number,
  headers: Readonly<Record<string, string>>,
  body?: string | Uint8Array,
): void {
  if (response.headersSent || response.destroyed) return
  const bodiless = status === 204 || status === 304 || request.method === 'HEAD'
  response.writeHead(status, {
    ...headers,
    ...(listener.stopping ? { connection: 'close' } : {}),
    ...(status === 204 || status === 304
      ? {}
      : { 'content-length': String(body === undefined ? 0 : Buffer.byteLength(body)) }),
  })
  if (bodiless || body === undefined) response.end()
  else if (typeof body === 'string') response.end(body)
  else if (body.length > SHORT) response.end(body)
  else response.end(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1'), 'latin1')
}

/** Bytes that are cheaper copied than written apart. */
const SHORT = 16_384

/** Answers with JSON. */
export const sendJson = (
  exchange: Exchange,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void => send(exchange, status, { 'content-type': 'application/json', ...headers }, JSON.stringify(value))

/** Answers with a problem document. */
export const sendProblem = (exchange: Exchange, problem: HttpProblem): void =>
  send(
    exchange,
    problem.status,
    { 'content-type': 'application/problem+json', ...problem.headers },
    problemBody(problem),
  )
