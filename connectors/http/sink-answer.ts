/** What an answer means: done, tried again and when, refused, or never to be sent to again. Pure. */

import { type ErrorCode, GatewayError } from '#connector'

export interface Answered {
  readonly status: number
  readonly retryAfter: string | undefined
  /** The beginning of the body. */
  readonly text: string
  /** Why a redirect was not followed. */
  readonly unfollowed?: string
}

export interface AnswerFacts {
  /** `<name> (http): delivering to "<origin>"` */
  readonly doing: string
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly maxRetryAfterMs: number
  readonly hide: (text: string) => string
}

/** Returns the error that an answer is; undefined when it is none. */
export function answerError(
  answered: Answered,
  { doing, hide, maxRetryAfterMs, now }: AnswerFacts,
): GatewayError | undefined {
  const { status, unfollowed } = answered
  if (status >= 200 && status <= 299) return undefined
  const asked = status === 429 || status === 503 ? readRetryAfter(answered.retryAfter, now) : undefined
  const said = excerpt(hide(answered.text))
  const what = `answered ${status}${said === '' ? '' : ` "${said}"`}${unfollowed ? `, and ${unfollowed}` : ''}`
  return new GatewayError(codeOf(status), `${doing}: ${what}${advice(status)}`, {
    fingerprint: `http ${status}`,
    ...(asked === undefined ? {} : { retryAfterMs: Math.min(asked, maxRetryAfterMs) }),
  })
}

function codeOf(status: number): ErrorCode {
  if (status === 410) return 'SINK_GONE'
  return status === 408 || status === 429 || status >= 500 ? 'SINK_UNAVAILABLE' : 'SINK_REJECTED'
}

const advice = (status: number): string =>
  status === 410 ? '; nothing more is sent there until the sink changes or is resumed, or the gateway restarts' : ''

const SECONDS = /^\d+$/
const DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d\d:\d\d:\d\d/

/** Milliseconds from `now` that a Retry-After asks for, as seconds or as any of HTTP's dates; undefined when it is neither. */
export function readRetryAfter(value: string | undefined, now: number): number | undefined {
  const text = value?.trim() ?? ''
  if (SECONDS.test(text)) return Number(text) * 1_000
  if (!DATE.test(text)) return undefined
  // asctime's form names no zone: it is GMT (RFC 9110, 5.6.7).
  const at = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}

/** The first 200 characters, on one line, without control characters. */
export const excerpt = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\uFFFD\s]+/gu, ' ')
    .trim()
    .slice(0, 200)
    .trim()
    .replaceAll('"', "'")

/** Returns a function that takes texts out of a text: an answer may repeat what was sent. Up to three characters are no secret. */
export function hider(secrets: readonly string[]): (text: string) => string {
  const hidden = [...new Set(secrets)].filter(({ length }) => length > 3).toSorted((a, b) => b.length - a.length)
  return (text) => hidden.reduce((left, secret) => left.replaceAll(secret, '(hidden)'), text)
}
