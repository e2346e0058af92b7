/** What is wrong with a request to the admin listener, as problem+json (RFC 9457). */

import { RequestError } from '@hono/node-server'
import { type ErrorCode, GatewayError } from '../errors.ts'

export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly code: string
  /** Further members of the problem document. */
  readonly more: Readonly<Record<string, unknown>>

  constructor(status: number, code: string, detail: string, more: Readonly<Record<string, unknown>> = {}) {
    super(detail)
    this.status = status
    this.code = code
    this.more = more
  }
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  EVENT_INVALID: 400,
  CONFIG_INVALID: 400,
  EVENT_TOO_LARGE: 413,
  STOPPING: 503,
  JOURNAL_FULL: 503,
  JOURNAL_IO: 503,
}

/** Returns any error as a problem. What is not known is INTERNAL: its words belong in the log. */
export function toProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown
  const status = thrown instanceof GatewayError ? STATUS[thrown.code] : undefined
  if (thrown instanceof GatewayError && status !== undefined) return new Problem(status, thrown.code, thrown.message)
  if (thrown instanceof RequestError) return new Problem(400, 'REQUEST_INVALID', `not a request: ${thrown.message}`)
  return new Problem(500, 'INTERNAL', 'something that should not happen happened; the log says what')
}

/** The answer that tells of a problem. */
export const answerOf = (problem: Problem): Response =>
  new Response(problemBody(problem), {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json' },
  })

const problemBody = ({ code, message, more, status }: Problem): string =>
  JSON.stringify({
    type: `urn:headgate:problem:${code.toLowerCase()}`,
    title: code,
    status,
    detail: message,
    code,
    ...more,
  })
