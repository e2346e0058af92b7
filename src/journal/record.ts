/** The stored form of one accepted event, and the checksum that every stored value begins with. */

import { crc32 } from 'node:zlib'
import { type CloudEvent, decodeEvent, EventDraft, type Origin } from '../event/index.ts'
import type { Entry, RouteRef } from './journal.ts'

/** LMDB keeps no checksums: a flipped bit would be handed out as if it had been written. */
export const CHECKSUM = 4
/** checksum (4), bytes of the record (4), accepted at (8), bytes of the head (4). */
const PREFIX = 20

/** A delivery as its event names it. `lane` indexes the lane table. */
export type RouteEntry = readonly [
  lane: number,
  key: string | null,
  answers: 0 | 1,
  due: number,
  /** Under which it waits for later ones, and when the first of them was appended. */
  name?: string,
  first?: number,
]

/** Returns a route as its event's record names it. */
export function routeEntry(lane: number, { key, answers, debounce, due }: RouteRef, now: number): RouteEntry {
  const at = due !== undefined && due > now ? due : 0
  if (debounce === undefined || at === 0) return [lane, key ?? null, answers === true ? 1 : 0, at]
  return [lane, null, answers === true ? 1 : 0, at, debounce.name, debounce.first ?? now]
}

export interface StoredEvent {
  readonly callId: string
  readonly origin: Origin
  readonly routes: readonly RouteEntry[]
  readonly acceptedAt: number
  /** The number of the configuration that it was matched by, when it is known. */
  readonly generation: number | undefined
  readonly event: CloudEvent
  /** Copies the event as it is stored: valid as long as the bytes of its block are. */
  readonly draft: EventDraft
  /** Where the next record begins. */
  readonly end: number
}

type Head = readonly [
  callId: string,
  source: string,
  address: string,
  routes: readonly RouteEntry[],
  generation?: number,
]

/** An event on its way into a block: its parts, encoded, and where they will lie. */
export class RecordDraft {
  readonly bytes: number
  readonly #head: string
  readonly #headBytes: number
  /** The event in it, for whoever writes it elsewhere, too. */
  readonly body: EventDraft
  readonly #acceptedAt: number

  constructor({ callId, event, generation, origin }: Entry, routes: readonly RouteEntry[], acceptedAt: number) {
    const { address, source } = origin
    const head: Head = generation ? [callId, source, address, routes, generation] : [callId, source, address, routes]
    this.#head = JSON.stringify(head)
    this.#headBytes = Buffer.byteLength(this.#head)
    this.body = new EventDraft(event)
    this.#acceptedAt = acceptedAt
    this.bytes = PREFIX + this.#headBytes + this.body.bytes
  }

  /** Writes the record and its checksum at `start`. */
  writeTo(block: Buffer, start: number): void {
    const end = start + this.bytes
    block.writeUInt32LE(this.bytes, start + 4)
    block.writeDoubleLE(this.#acceptedAt, start + 8)
    block.writeUInt32LE(this.#headBytes, start + 16)
    block.write(this.#head, start + PREFIX, 'utf8')
    this.body.writeTo(block, start + PREFIX + this.#headBytes)
    block.writeUInt32LE(crc32(block.subarray(start + CHECKSUM, end)), start)
  }
}

/** Stands where the record of an expired event was: the numbers of the events behind it count on it. */
export function expiredRecord(): Buffer {
  const record = Buffer.alloc(PREFIX)
  record.writeUInt32LE(PREFIX, 4)
  record.writeUInt32LE(crc32(record.subarray(CHECKSUM)), 0)
  return record
}

/** Whether an expired event's record begins at `start`. */
export const isExpired = (bytes: Buffer, start: number): boolean => recordEnd(bytes, start) === start + PREFIX

/** Reads the record that begins at `start`; undefined when its bytes are not what was written, or it has expired. */
export function decodeRecord(block: Uint8Array, start: number): StoredEvent | undefined {
  const bytes = Buffer.isBuffer(block) ? block : Buffer.from(block.buffer, block.byteOffset, block.byteLength)
  const end = recordEnd(bytes, start)
  if (end === undefined || end === start + PREFIX) return undefined
  if (crc32(bytes.subarray(start + CHECKSUM, end)) !== bytes.readUInt32LE(start)) return undefined
  const bodyStart = start + PREFIX + bytes.readUInt32LE(start + 16)
  const head = JSON.parse(bytes.toString('utf8', start + PREFIX, bodyStart)) as Head
  const [callId, source, address, routes, generation] = head
  const event = decodeEvent(bytes, bodyStart, end)
  return {
    callId,
    origin: { source, address },
    routes,
    acceptedAt: bytes.readDoubleLE(start + 8),
    generation,
    event,
    draft: new EventDraft(event, bytes, bodyStart, end),
    end,
  }
}

/** When the event at `start` was accepted, the first of its block unless told: 0 once that one has expired. */
export const acceptedAt = (block: Buffer, start = 0): number => block.readDoubleLE(start + 8)

/** Where the record that begins at `start` ends, as it says itself; undefined when that is impossible. */
export function recordEnd(bytes: Buffer, start: number): number | undefined {
  if (start < 0 || start + PREFIX > bytes.length) return undefined
  const end = start + bytes.readUInt32LE(start + 4)
  return end < start + PREFIX || end > bytes.length ? undefined : end
}

/** Returns `checksum | body`. */
export function sealBytes(body: Uint8Array): Buffer {
  // Out of Node's pool: an ArrayBuffer for each value costs more than the value, and LMDB asks for the address of each.
  const bytes = Buffer.allocUnsafe(CHECKSUM + body.length)
  bytes.set(body, CHECKSUM)
  return seal(bytes)
}

/** Enters the checksum in front of a body that was written behind its place. Returns the bytes. */
export function seal(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(crc32(bytes.subarray(CHECKSUM)), 0)
  return bytes
}

/** Returns the body, a view; undefined when the checksum does not fit. */
export function openBytes(sealed: Uint8Array): Buffer | undefined {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
  if (bytes.length < CHECKSUM) return undefined
  const body = bytes.subarray(CHECKSUM)
  return crc32(body) === bytes.readUInt32LE(0) ? body : undefined
}

export const sealJson = (value: unknown): Buffer => sealBytes(Buffer.from(JSON.stringify(value)))

/** Reads what `sealJson` wrote; undefined when its bytes are not that. */
export function openJson<T>(sealed: Uint8Array): T | undefined {
  const body = openBytes(sealed)
  return body === undefined ? undefined : (JSON.parse(body.toString()) as T)
}
