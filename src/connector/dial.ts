/** Connections within reach alone. Loaded when the first one is wanted: undici takes 5 MiB that many a gateway saves. */

import { isIP, type LookupFunction } from 'node:net'
// Node's own fetch client, as a package: fetch offers no way to choose what is dialled, nor a pool of one's own.
import { Agent, buildConnector } from 'undici'
import { AddressRefused, lookupWithin, type Reach } from './reach.ts'

export interface DialOptions {
  readonly reach: Reach
  /** Resolves host names. */
  readonly lookup: LookupFunction
  /** Connections open at once, to each origin. */
  readonly connections: number
  /** Until one is open. */
  readonly timeoutMs: number
}

/** Makes a pool of connections; the whole of an attempt has one limit, its signal. */
export function openAgent({ connections, lookup, reach, timeoutMs }: DialOptions): Agent {
  const connect = connectWithin(reach, lookup, timeoutMs)
  return new Agent({ connect, connections, headersTimeout: 0, bodyTimeout: 0, maxHeaderSize: 16_384 })
}

/** Certificates are verified. */
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
