/** The connections of the sink. Loaded when the first one starts: undici takes 5 MiB that a gateway without webhooks saves. */

import { isIP, type LookupFunction } from 'node:net'
// Node's own fetch client, as a package: fetch offers no way to choose what is dialled, nor a pool of one's own.
import { Agent, buildConnector } from 'undici'
import type { HttpSinkConfig } from './sink-config.ts'
import { AddressRefused, lookupWithin, Reach } from './sink-reach.ts'

/** Makes a pool of connections; the whole of an attempt has one limit, its signal. */
export function openAgent(
  { allow, max_connections: connections, timeout }: HttpSinkConfig,
  lookup: LookupFunction,
): Agent {
  const connect = connectWithin(new Reach(allow), lookup, timeout)
  return new Agent({ connect, connections, headersTimeout: 0, bodyTimeout: 0, maxHeaderSize: 16_384 })
}

/** Opens connections within reach alone. Certificates are verified. */
function connectWithin(reach: Reach, lookup: LookupFunction, timeoutMs: number): buildConnector.connector {
  const connect = buildConnector({ timeout: timeoutMs, lookup: lookupWithin(reach, lookup), allowH2: false })
  return (options, callback) => {
    // An address written as such is not looked up.
    const host = options.hostname.replace(/^\[|\]$/g, '')
    const refusal = isIP(host) ? reach.refusal(host, host) : undefined
    if (refusal) callback(new AddressRefused(refusal), null)
    else connect(options, callback)
  }
}
