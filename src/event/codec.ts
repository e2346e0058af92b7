/** The one binary form of an event: what the journal stores and what crosses to a worker, encoded once. */

import type { CloudEvent } from './event.ts'

/** Bytes before the head: version (1), flags (1), reserved (2), length of the head (4, little endian). */
const PREFIX = 8
const VERSION = 1
const HAS_DATA = 1

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Returns `prefix | attributes as JSON | data`. */
export function encodeEvent(event: CloudEvent): Uint8Array {
  const { data, ...attributes } = event
  const head = encoder.encode(JSON.stringify(attributes))
  const bytes = new Uint8Array(PREFIX + head.length + (data?.length ?? 0))
  bytes[0] = VERSION
  bytes[1] = data ? HAS_DATA : 0
  new DataView(bytes.buffer).setUint32(4, head.length, true)
  bytes.set(head, PREFIX)
  if (data) bytes.set(data, PREFIX + head.length)
  return bytes
}

/**
 * An event on its way into bytes that somebody else holds: what `encodeEvent` returns, without a copy in between. It
 * may be written any number of times.
 */
export class EventDraft {
  /** What it is a draft of. */
  readonly event: CloudEvent
  readonly bytes: number
  readonly #head: string
  readonly #headBytes: number
  readonly #data: Uint8Array | undefined
  /** All of it, where it was encoded before. */
  readonly #encoded: Uint8Array | undefined

  /** `encoded` is what `encodeEvent` returned for this event: it is copied then, and must stay as it is. */
  constructor(event: CloudEvent, encoded?: Uint8Array) {
    this.event = event
    this.#encoded = encoded
    this.#data = event.data
    if (encoded) {
      this.#head = ''
      this.#headBytes = 0
      this.bytes = encoded.length
      return
    }
    this.#head = JSON.stringify(event.data === undefined ? event : { ...event, data: undefined })
    this.#headBytes = Buffer.byteLength(this.#head)
    this.bytes = PREFIX + this.#headBytes + (event.data?.length ?? 0)
  }

  writeTo(target: Buffer, start: number): void {
    if (this.#encoded) {
      target.set(this.#encoded, start)
      return
    }
    target.writeUInt32LE(VERSION | (this.#data ? HAS_DATA << 8 : 0), start)
    target.writeUInt32LE(this.#headBytes, start + 4)
    // As many bytes as characters: all of it is ASCII, which needs no encoding.
    target.write(this.#head, start + PREFIX, this.#headBytes === this.#head.length ? 'latin1' : 'utf8')
    if (this.#data) target.set(this.#data, start + PREFIX + this.#headBytes)
  }
}

/** Returns `draft` when it is one of this very event, else a new one. */
export const draftOf = (event: CloudEvent, draft?: EventDraft): EventDraft =>
  draft?.event === event ? draft : new EventDraft(event)

/** Reads what `encodeEvent` wrote. `data` is a view of `bytes`, not a copy. Throws a RangeError on anything else. */
export function decodeEvent(bytes: Uint8Array): CloudEvent {
  if (bytes.length < PREFIX || bytes[0] !== VERSION)
    throw new RangeError(`decoding an event: unknown version ${bytes[0]}`)
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(4, true)
  if (PREFIX + length > bytes.length)
    throw new RangeError(`decoding an event: head of ${length} bytes in ${bytes.length}`)
  const attributes = JSON.parse(decoder.decode(bytes.subarray(PREFIX, PREFIX + length))) as CloudEvent
  return bytes[1] === HAS_DATA ? { ...attributes, data: bytes.subarray(PREFIX + length) } : attributes
}
