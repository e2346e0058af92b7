/** What the load carries: the client writes an id of its own over ID and the address of the answer over REPLY. */

import { randomBytes } from 'node:crypto'

const ID = '#'.repeat(16)
const REPLY = '$'.repeat(12)

/** Part of every payload of this process, and so of every right answer. */
export const PROOF = randomBytes(8).toString('hex')

function filled(make: (pad: string) => string, bytes: number): string {
  const room = bytes - Buffer.byteLength(make(PROOF))
  return make(PROOF + 'x'.repeat(Math.max(0, room)))
}

/** A call in the service envelope. Peers get the same bytes. */
export function envelope(bytes: number): string {
  return filled(
    (pad) =>
      JSON.stringify({
        messageId: ID,
        callId: ID,
        replyTo: REPLY,
        body: { function: 'echo', parameters: { id: ID, pad } },
      }),
    bytes,
  )
}

/** JSON with an id. */
export function json(bytes: number): string {
  return filled((pad) => JSON.stringify({ id: ID, pad }), bytes)
}

/** A structured CloudEvent whose data is 1 KiB of JSON. */
export function structuredEvent(): string {
  const attributes = {
    specversion: '1.0',
    id: ID,
    source: '/bench',
    type: 'bench.accepted',
    time: '2026-01-01T00:00:00Z',
  }
  return JSON.stringify({ ...attributes, datacontenttype: 'application/json', data: JSON.parse(json(1024)) })
}

export const STRUCTURED = 'content-type: application/cloudevents+json\r\n'
export const JSON_TYPE = 'content-type: application/json\r\n'
/** The same event in binary mode. */
export const BINARY = `ce-specversion: 1.0\r\nce-id: ${ID}\r\nce-source: /bench\r\nce-type: bench.accepted\r\nce-time: 2026-01-01T00:00:00Z\r\n${JSON_TYPE}`
