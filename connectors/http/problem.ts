/** Errors as callers see them: problem+json (RFC 9457) that says what is wrong and what to do. */

import { type ErrorCode, type ErrorType, GatewayError, toGatewayError } from '#connector'

/** An answer that says no: a status, the code of the error table, and words. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem'
  readonly status: number
  readonly code: string
  readonly headers: Readonly<Record<string, string>>
  /** Further members of the problem document. */
  readonly more: Readonly<Record<string, unknown>>

  constructor(
    status: number,
    code: string,
    detail: string,
    headers: Readonly<Record<string, string>> = {},
    more: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail)
    this.status = status
    this.code = code
    this.headers = headers
    this.more = more
  }
}

const STATUS: Readonly<Record<ErrorCode, number>> = {
  EVENT_INVALID: 400,
  REPLY_TOPIC_REFUSED: 403,
  NO_ROUTE: 404,
  FUNCTION_UNKNOWN: 404,
  CALL_CANCELLED: 409,
  EVENT_TOO_LARGE: 413,
  FUNCTION_REJECTED: 422,
  TRANSFORM_FAILED: 422,
  OVERLOADED: 429,
  CONFIG_INVALID: 500,
  ADDRESS_IN_USE: 500,
  FUNCTION_INVALID: 500,
  FUNCTION_UNAPPROVED: 500,
  FUNCTION_UNHEALTHY: 500,
  FUNCTION_TRAPPED: 500,
  FUNCTION_OUT_OF_MEMORY: 500,
  INTERNAL: 500,
  BROKER_FULL: 507,
  SINK_UNAVAILABLE: 502,
  SINK_REJECTED: 502,
  SINK_GONE: 502,
  JOURNAL_FULL: 503,
  JOURNAL_CORRUPT: 503,
  JOURNAL_NEWER: 503,
  JOURNAL_LOCKED: 503,
  JOURNAL_IO: 503,
  STOPPING: 503,
  FUNCTION_RETRY: 503,
  SOURCE_UNAVAILABLE: 503,
  SLOT_LOST: 503,
  FUNCTION_TIMED_OUT: 504,
  TRANSFORM_TIMED_OUT: 504,
  CALL_TIMED_OUT: 504,
  EVENT_LOOP: 508,
  CALL_TOO_DEEP: 508,
}

/** For codes that a function chose itself. */
const STATUS_OF_TYPE: Readonly<Record<ErrorType, number>> = {
  ValidationError: 400,
  BusinessLogicError: 422,
  SystemError: 500,
  TimeoutError: 504,
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not valid',
  403: 'Not allowed',
  404: 'Not found',
  405: 'This method is not offered here',
  408: 'The request took too long to arrive',
  409: 'The call was cancelled',
  413: 'The body is too large',
  415: 'The content type is not read here',
  422: 'The function refused',
  429: 'No free capacity',
  431: 'The request head is too large',
  500: 'The gateway or a function failed',
  502: 'A target failed',
  503: 'Not available now',
  504: 'No reply in time',
  508: 'A loop of events',
}

/** Returns any error as the problem that its caller sees. What is not known is INTERNAL: its words stay in the log. */
export function toProblem(thrown: unknown): HttpProblem {
  if (thrown instanceof HttpProblem) return thrown
  const error = toGatewayError(thrown)
  const detail =
    error.code === 'INTERNAL' ? 'something that should not happen happened; the log says what' : error.message
  return new HttpProblem(STATUS[error.code], error.code, detail, retryAfter(STATUS[error.code], error.retryAfterMs))
}

/** Returns the error of a reply as the problem that the caller sees. */
export function replyProblem(
  error: { readonly type: ErrorType; readonly code: string; readonly message: string; readonly retryAfterMs?: number },
  headers: Readonly<Record<string, string>>,
): HttpProblem {
  const known = Object.entries(STATUS).find(([code]) => code === error.code)?.[1]
  const status = known ?? STATUS_OF_TYPE[error.type]
  const all = { ...headers, ...retryAfter(status, error.retryAfterMs) }
  return new HttpProblem(status, error.code, error.message, all, { errortype: error.type })
}

/** The problem document. */
export const problemBody = ({ status, code, message, more }: HttpProblem): string =>
  JSON.stringify({
    type: `urn:headgate:problem:${code.toLowerCase()}`,
    title: TITLES[status] ?? 'The request failed',
    status,
    detail: message,
    code,
    ...more,
  })

/** 429 and 503 say when to try again: whole seconds, at least one. */
function retryAfter(status: number, ms: number | undefined): Readonly<Record<string, string>> {
  if (ms === undefined && status !== 429 && status !== 503) return {}
  return { 'retry-after': String(Math.max(1, Math.ceil((ms ?? 1_000) / 1_000))) }
}

/** An error of this gateway about a request, said in one place so that all read alike. */
export const refuse = (code: ErrorCode, name: string, what: string, retryAfterMs?: number): GatewayError =>
  new GatewayError(code, `${name} (http): ${what}`, retryAfterMs === undefined ? {} : { retryAfterMs })
