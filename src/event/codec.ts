/** The one binary form of an event: what the journal stores and what crosses to a worker, encoded once. */

import type { CloudEvent } from './event.ts'

/** Bytes before the head: version (1), flags (1), reserved (2), length of the head (4, little endian). */
const PREFIX = 8
const VERSION = 1
const HAS_DATA = 1

const encoder = new TextEncoder()

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
  /** What it lies in, where it was encoded before, and where it begins there. */
  readonly #encoded: Buffer | undefined
  readonly #from: number

  /**
   * From `from` on `encoded` is what `encodeEvent` returned for this event: it is copied then, and must stay as it is
   * up to `end`.
   */
  constructor(event: CloudEvent, encoded?: Buffer, from = 0, end = encoded?.length ?? 0) {
    this.event = event
    this.#encoded = encoded
    this.#from = from
    this.#data = event.data
    if (encoded) {
      this.#head = ''
      this.#headBytes = 0
      this.bytes = end - from
      return
    }
    this.#head = JSON.stringify(event.data === undefined ? event : { ...event, data: undefined })
    this.#headBytes = Buffer.byteLength(this.#head)
    this.bytes = PREFIX + this.#headBytes + (event.data?.length ?? 0)
  }

  writeTo(target: Buffer, start: number): void {
    if (this.#encoded) {
      this.#encoded.copy(target, start, this.#from, this.#from + this.bytes)
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

/**
 * Reads what `encodeEvent` wrote, from `from` up to `end`. `data` is a view of `bytes`, not a copy. Throws a RangeError on
 * anything else.
 */
export function decodeEvent(bytes: Uint8Array, from = 0, end = bytes.length): CloudEvent {
  if (end < from + PREFIX || bytes[from] !== VERSION)
    throw new RangeError(`decoding an event: unknown version ${bytes[from]}`)
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const head = from + PREFIX
  const length = buffer.readUInt32LE(from + 4)
  if (head + length > end) throw new RangeError(`decoding an event: head of ${length} bytes in ${end - from}`)
  const event = JSON.parse(buffer.toString('utf8', head, head + length)) as Mutable<CloudEvent>
  if (bytes[from + 1] === HAS_DATA) event.data = bytes.subarray(head + length, end)
  return event
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }
