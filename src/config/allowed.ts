/** What a function is allowed in its long form, as it would be written. */

import type { Grants, HostGrant } from '../pool/pool.ts'
import { HIDDEN } from '../schema/index.ts'
import { durationText, sizeText } from './units.ts'

/** `allow`, and nothing when that would be empty; values that a function is given are hidden. */
export function allowOf({ http, kv, dirs, config, messaging, call }: Grants): object {
  const { publish, request } = messaging
  const parts = {
    ...(http.to.length === 0 ? {} : { http: httpOf(http) }),
    ...some({ kv, dirs }),
    ...(Object.keys(config).length === 0
      ? {}
      : { config: Object.fromEntries(Object.keys(config).map((key) => [key, HIDDEN])) }),
    ...(publish.length + request.length === 0 ? {} : { messaging: some({ publish, request }) }),
    ...some({ call }),
  }
  return Object.keys(parts).length === 0 ? {} : { allow: parts }
}

const httpOf = ({ to, requests, requestBytes, responseBytes, timeoutMs }: Grants['http']): object => ({
  to: to.map(hostOf),
  requests,
  request_size: sizeText(requestBytes),
  response_size: sizeText(responseBytes),
  timeout: durationText(timeoutMs),
})

const hostOf = ({ host, port, scheme, methods, private: inner }: HostGrant): object => ({
  host,
  ...(port === undefined ? {} : { port }),
  ...(scheme === undefined ? {} : { scheme }),
  ...(methods === undefined ? {} : { methods }),
  private: inner,
})

/** Without the lists that are empty. */
const some = (lists: Readonly<Record<string, readonly unknown[]>>): object =>
  Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0))
