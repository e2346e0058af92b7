/** Keeps web pages away from a listener that asks nobody who they are: another site's page runs on this machine too. */

import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from './problem.ts'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i
const JSON_TYPES = /^application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i

/**
 * Throws on a request that a page of another site made. A page that renamed its own site to a loopback address (DNS
 * rebinding) is told by `Host`, one that sends from elsewhere by `Origin`; a page can send JSON only with leave that
 * is never given.
 */
export function guard(method: string, headers: IncomingHttpHeaders, listensOnLoopback: boolean): void {
  const host = headers.host ?? ''
  const name = host.replace(/:\d+$/, '')
  if (listensOnLoopback && !LOOPBACK.test(name)) {
    throw new Problem(403, 'HOST_REFUSED', `"${name}" is not a name of this machine; ask for localhost or 127.0.0.1`)
  }
  if (headers.origin !== undefined && headers.origin !== `http://${host}`) {
    throw new Problem(403, 'ORIGIN_REFUSED', `requests from pages of "${headers.origin}" are not answered`)
  }
  if (method === 'POST' && !JSON_TYPES.test(headers['content-type'] ?? '')) {
    throw new Problem(415, 'CONTENT_TYPE_REFUSED', 'send JSON, as content-type: application/json')
  }
}

/** Whether only this machine can reach an address. */
export const isLoopback = (host: string): boolean => host === '::1' || LOOPBACK.test(host)
