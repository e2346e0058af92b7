/** The `http:` section of the configuration. */

import * as z from 'zod'
import { address, duration, size } from '#connector'

export const httpConfig = z.strictObject({
  listen: address().prefault('127.0.0.1:8080').describe('Where to listen. Port 0 takes any free one.'),
  body_limit: size().prefault('1MiB').describe('The largest request body; a larger one is answered 413.'),
  header_limit: size().prefault('16KiB').describe('The largest request head; a larger one is answered 431.'),
  header_timeout: duration().prefault('10s').describe('A request head must be complete within this time.'),
  body_timeout: duration()
    .prefault('30s')
    .describe('A whole request, head and body, must have arrived within this time; else 408.'),
  keep_alive: duration().prefault('60s').describe('A connection without a request is closed after this time.'),
  wait: duration()
    .prefault('30s')
    .describe('How long a caller waits for the reply, unless it says otherwise by "Prefer: wait=<seconds>"; then 504.'),
  max_wait: duration().prefault('5m').describe('The longest wait that a caller may ask for.'),
  drain: duration()
    .prefault('5s')
    .describe('On stop, callers that still wait for a reply get it within this time, or 503.'),
  max_connections: z.int().min(1).default(10_000).describe('Connections open at once; further ones are closed.'),
  max_queued: z
    .int()
    .min(0)
    .default(1_024)
    .describe('Requests that may wait for their turn to be accepted; further ones are answered 429.'),
  webhook: z
    .strictObject({
      origins: z
        .array(z.string().min(1))
        .default(['*'])
        .describe('Hosts that may deliver webhooks to POST /events, as they name themselves; * is any.'),
      rate: z.int().min(1).optional().describe('Deliveries a minute that a sender is asked to stay below; unset, any.'),
    })
    .prefault({})
    .describe('The answer to the CloudEvents webhook handshake, OPTIONS /events.'),
})

/** The section with every default filled in: durations in milliseconds, sizes in bytes. */
export type HttpConfig = z.output<typeof httpConfig>
