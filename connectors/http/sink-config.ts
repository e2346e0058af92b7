/** The options of the HTTP sink. */

import ipaddr from 'ipaddr.js'
import * as z from 'zod'
import { duration, Reach } from '#connector'

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** Headers that say how the message is framed, or that the sink writes itself. */
const OWN =
  /^(host|connection|content-length|content-type|expect|idempotency-key|keep-alive|te|trailer|transfer-encoding|upgrade|ce-.*|webhook-.*)$/i
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*$/i
const WHSEC = /^whsec_([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}(==)?|[A-Za-z0-9+/]{3}=?)?$/

// None of these errors shows what was written: it may be a secret.
const url = z
  .string()
  .refine((text) => isTarget(text), {
    error: 'expected an http:// or https:// URL with no user, password or fragment; credentials go into headers',
  })
  .meta({ secret: true, examples: ['https://billing.example/events'] })

const headerValue = z
  .string()
  .regex(/^[\t\x20-\x7e]*$/, { error: 'a header value has printable ASCII characters and nothing else' })
  .meta({ secret: true })

const signingSecret = z
  .string()
  .refine((text) => WHSEC.test(text) && isLongEnough(text), {
    error: 'expected whsec_ and the base64 form of 24 to 64 bytes; "openssl rand -base64 32" makes one',
  })
  .meta({ secret: true })

const headerName = z
  .string()
  .regex(NAME, { error: ({ input }) => `"${input}" is not the name of a header` })
  .refine((name) => !OWN.test(name), { error: ({ input }) => `"${input}" is a header that the sink writes itself` })

const allowed = z.string().refine((text) => isHostOrRange(text), {
  error: ({ input }) => `"${input}" is no host, address or range, such as hooks.internal, 10.1.2.3 or 10.0.0.0/8`,
})

export const httpSinkConfig = z
  .strictObject({
    url: url.describe('Where to deliver to. Never shown: many of these hold a token.'),
    method: z.enum(['POST', 'PUT', 'PATCH']).default('POST').describe('The method of the request.'),
    mode: z
      .enum(['binary', 'structured'])
      .default('binary')
      .describe('binary: data as body, attributes as ce- headers. structured: the JSON event format.'),
    headers: z
      .record(headerName, headerValue)
      .default({})
      .describe('Headers to send with each request, such as Authorization. Their values are never shown.'),
    sign: z
      .strictObject({
        secret: z
          .union([signingSecret, z.array(signingSecret).min(1).max(8)])
          .describe('whsec_<base64>, or a list of these while one is replaced: each signs.'),
      })
      .optional()
      .describe('Signs each request as Standard Webhooks says: webhook-id, webhook-timestamp, webhook-signature.'),
    validate: z
      .strictObject({
        origin: z
          .string()
          .regex(DNS_NAME, { error: ({ input }) => `"${input}" is no DNS name, such as gateway.example` })
          .describe('The DNS name that this sender goes by; each delivery carries it as WebHook-Request-Origin.'),
        rate: z.int().min(1).optional().describe('Deliveries a minute to ask for.'),
      })
      .optional()
      .describe('Asks, before the first delivery, whether deliveries are wanted: the CloudEvents webhook handshake.'),
    timeout: duration()
      .prefault('15s')
      .describe('An attempt that has no answer by then is tried again; the timeout of the route ends it earlier.'),
    max_retry_after: duration().prefault('24h').describe('The longest wait that a Retry-After may ask for.'),
    redirects: z
      .int()
      .min(0)
      .max(5)
      .default(3)
      .describe('How many 307 and 308 to the same scheme, host and port are followed; no other redirect is.'),
    allow: z
      .array(allowed)
      .default([])
      .describe('Hosts, addresses and ranges that are delivered to although they are not public, such as 10.0.0.0/8.'),
    max_connections: z.int().min(1).max(10_000).default(64).describe('Connections open at once.'),
  })
  .superRefine(({ url, allow }, context) => {
    const { hostname } = new URL(url)
    const host = hostname.replace(/^\[|\]$/g, '')
    const refusal = ipaddr.isValid(host) ? new Reach(allow).refusal(host, host) : undefined
    if (refusal) context.addIssue({ code: 'custom', path: ['url'], message: refusal })
  })

export type HttpSinkConfig = z.output<typeof httpSinkConfig>

function isTarget(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { hash, hostname, password, protocol, username } = new URL(text)
  return /^https?:$/.test(protocol) && hostname !== '' && `${hash}${password}${username}` === ''
}

function isLongEnough(text: string): boolean {
  const { length } = Buffer.from(text.slice(6), 'base64')
  return length >= 24 && length <= 64
}

const isHostOrRange = (text: string): boolean =>
  ipaddr.isValid(text) || ipaddr.isValidCIDR(text) || (DNS_NAME.test(text) && !/^[\d.]+$/.test(text))
