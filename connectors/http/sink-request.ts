/** CloudEvent -> HTTP request: the binding's two modes, the idempotency key, the signature. Pure. */

import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'
import { type CloudEvent, formatHttpBinary, formatHttpStructured } from '#connector'
import type { HttpSinkConfig } from './sink-config.ts'

export interface SinkRequest {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

const EMPTY = new Uint8Array()

/** What is the same for every request of a sink. */
export interface Stationery {
  readonly mode: HttpSinkConfig['mode']
  readonly headers: Readonly<Record<string, string>>
  readonly keys: readonly KeyObject[]
}

export function stationery({ headers, mode, sign, validate }: HttpSinkConfig): Stationery {
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
  const secrets = sign === undefined ? [] : [sign.secret].flat()
  return {
    mode,
    headers: {
      'user-agent': 'headgate',
      ...Object.fromEntries(own),
      ...(validate && { 'webhook-request-origin': validate.origin }),
    },
    keys: secrets.map((text) => createSecretKey(Buffer.from(text.slice('whsec_'.length), 'base64'))),
  }
}

/** Returns the request of one attempt; `now` in milliseconds since the epoch. */
export function toRequest(event: CloudEvent, { headers, keys, mode }: Stationery, now: number): SinkRequest {
  const message = mode === 'structured' ? formatHttpStructured(event) : formatHttpBinary(event)
  const body = message.body ?? EMPTY
  const key = idempotencyKey(event)
  const signed = keys.length === 0 ? {} : signature(keys, key, Math.floor(now / 1_000), body)
  return { headers: { ...headers, ...message.headers, ...signed, 'idempotency-key': key }, body }
}

/**
 * The same for every attempt of an event, and for no other event: an id alone is unique within its source only. A digest,
 * because an id may hold any character, and the signature's id must hold no full stop (Standard Webhooks, signature scheme).
 */
export const idempotencyKey = ({ id, source }: CloudEvent): string => hash('sha256', `${source}\0${id}`, 'base64url')

/** The headers of Standard Webhooks; one signature for each key, so that receivers may hold either while one is replaced. */
export function signature(
  keys: readonly KeyObject[],
  id: string,
  seconds: number,
  body: Uint8Array,
): Readonly<Record<string, string>> {
  // The standardwebhooks package reads the body as text, which bytes that are no UTF-8 do not survive.
  const sign = (key: KeyObject) =>
    `v1,${createHmac('sha256', key).update(`${id}.${seconds}.`).update(body).digest('base64')}`
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': keys.map(sign).join(' ') }
}
