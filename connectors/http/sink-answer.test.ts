/** Row 13 of the fault matrix: what each status means, and when Retry-After says. */

import { describe, expect, test } from 'vitest'
import { answerError, excerpt, hider, readRetryAfter } from './sink-answer.ts'

const NOW = Date.parse('2026-01-31T12:00:00Z')
const facts = { doing: 'billing (http): delivering to "https://b.example"', now: NOW, maxRetryAfterMs: 86_400_000 }

const error = (status: number, retryAfter?: string, text = '') =>
  answerError({ status, retryAfter, text }, { ...facts, hide: (said) => said })

describe('row 13', () => {
  test.each([200, 201, 202, 204, 206, 299])('%i is done', (status) => {
    expect(error(status)).toBeUndefined()
  })

  test.each([408, 429, 500, 501, 502, 503, 504, 507, 599])('%i is tried again', (status) => {
    expect(error(status)).toMatchObject({ code: 'SINK_UNAVAILABLE', disposition: 'retry', retryAfterMs: undefined })
  })

  test.each([300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 409, 411, 413, 414, 415, 422, 425, 451])(
    '%i is refused for good',
    (status) => {
      expect(error(status, '7')).toMatchObject({
        code: 'SINK_REJECTED',
        disposition: 'reject',
        retryAfterMs: undefined,
        fingerprint: `http ${status}`,
      })
    },
  )

  test('410 is the end of it', () => {
    expect(error(410)).toMatchObject({ code: 'SINK_GONE', disposition: 'reject' })
    expect(error(410)?.message).toBe(
      'billing (http): delivering to "https://b.example": answered 410; nothing more is sent there until the sink changes or is resumed, or the gateway restarts',
    )
  })

  const after: readonly (readonly [status: number, value: string, ms: number | undefined])[] = [
    [429, '7', 7_000],
    [503, '7', 7_000],
    [503, '0', 0],
    [503, ' 12 ', 12_000],
    [503, '99999999999999999999', 86_400_000],
    [429, 'Sat, 31 Jan 2026 12:01:30 GMT', 90_000],
    [429, 'Saturday, 31-Jan-26 12:01:30 GMT', 90_000],
    [429, 'Sat Jan 31 12:01:30 2026', 90_000],
    [429, 'Sat, 31 Jan 2026 11:00:00 GMT', 0],
    [429, 'Sat, 31 Jan 2036 12:00:00 GMT', 86_400_000],
    [429, 'soon', undefined],
    [429, '-3', undefined],
    [429, '1.5', undefined],
    [429, 'Sat, 99 Jan 2026 12:00:00 GMT', undefined],
    [500, '7', undefined],
    [408, '7', undefined],
  ]
  test.each(after)('%i with Retry-After: %s', (status, value, ms) => {
    expect(error(status, value)).toMatchObject({ code: 'SINK_UNAVAILABLE', retryAfterMs: ms })
  })
})

test('without a header there is no wish', () => expect(readRetryAfter(undefined, NOW)).toBeUndefined())

test('the error has the first 200 characters of the answer, on one line', () => {
  const said = `\u001b[31mno\r\n"such"\tcustomer\u0000\u2028${'x'.repeat(300)}`
  expect(excerpt(said)).toBe(`[31mno 'such' customer ${'x'.repeat(177)}`)
  expect(error(404, undefined, 'no such page')?.message).toContain('answered 404 "no such page"')
})

test('what is hidden is hidden before the rest is cut off, the longest first', () => {
  const hide = hider(['abcd', 'abcdef', '', 'on'])
  expect(hide('abcdefg, abcdx, no connection')).toBe('(hidden)g, (hidden)x, no connection')
})
