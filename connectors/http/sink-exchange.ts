/** One request and its answer: sends, follows the redirects that may be followed, reads no more than it shows. */

import type { Dispatcher } from 'undici'
import { unlessAborted } from '#connector'
import type { Answered } from './sink-answer.ts'
import type { SinkRequest } from './sink-request.ts'

/** Of an answer's body: so much is kept, and so much read, so that the connection can be used again. Bytes. */
const KEPT = 4_096
const READ = 65_536

export interface Posting {
  readonly url: URL
  readonly method: 'POST' | 'PUT' | 'PATCH'
  readonly redirects: number
}

/** Resolves with the last answer. Rejects when there was none: no connection, a broken one, `signal` aborted. */
export async function exchange(
  agent: Dispatcher,
  { method, redirects, url }: Posting,
  { body, headers }: SinkRequest,
  signal: AbortSignal,
): Promise<Answered> {
  let target = url
  for (let followed = 0; ; followed += 1) {
    const { origin, pathname, search } = target
    const path = `${pathname}${search}`
    const answer = await unlessAborted(signal, agent.request({ origin, path, method, headers, body, signal }))
    const text = await readSome(answer.body)
    const { statusCode: status } = answer
    const answered = { status, retryAfter: one(answer.headers['retry-after']), text }
    if (status < 300 || status > 399) return answered
    const next = redirect(target, status, one(answer.headers['location']))
    if ('unfollowed' in next) return { ...answered, ...next }
    if (followed === redirects) return { ...answered, unfollowed: `no more than ${redirects} redirects are followed` }
    target = next.to
  }
}

/**
 * Only 307 and 308 keep the method and the body (RFC 9110, 15.4), and only the same origin is who the operator named: the
 * headers hold credentials. The CloudEvents webhook specification, 2.2, would follow none: `redirects: 0`.
 */
function redirect(from: URL, status: number, location: string | undefined): { to: URL } | { unfollowed: string } {
  if (status !== 307 && status !== 308)
    return { unfollowed: 'that redirect is not followed; set url to where it leads' }
  if (location === undefined || !URL.canParse(location, from)) return { unfollowed: 'it does not say where to' }
  const to = new URL(location, from)
  if (to.origin !== from.origin || `${to.username}${to.password}` !== '')
    return { unfollowed: 'no redirect to another scheme, host or port is followed; set url to where it leads' }
  return { to }
}

/** The status has been told by now: a body that breaks off, or is too long, changes nothing. */
async function readSome(body: Dispatcher.ResponseData['body']): Promise<string> {
  const kept: Uint8Array[] = []
  let [length, left] = [0, READ]
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      if (length < KEPT) kept.push(chunk.subarray(0, KEPT - length))
      length += chunk.length
      left -= chunk.length
      if (left < 0) break
    }
  } catch {}
  return Buffer.concat(kept).toString()
}

const one = (header: string | string[] | undefined): string | undefined => [header].flat()[0]
