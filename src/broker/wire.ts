/** Writes the packets of the hot path in one piece each; what one turn has for one socket leaves in one write. */

import type { Duplex } from 'node:stream'

/** A PUBLISH as it goes out, without properties. */
export interface Outgoing {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly messageId: number | undefined
}

/** A payload up to here is copied behind its head: dearer to hand over apart than to copy. */
const JOINED = 4_096

const held: Duplex[] = []

/**
 * Holds back what is written to a stream until the end of this turn of the event loop: each write that reaches a socket
 * is a system call, and costs more than the rest of sending a packet.
 */
export function holdForTurn(stream: Duplex): void {
  if (stream.writableCorked > 0) return
  stream.cork()
  if (held.push(stream) === 1) setImmediate(release)
}

/** Writes a PUBACK that says yes. Returns whether there is room for more. */
export function writePuback(stream: Duplex, version: number, messageId: number): boolean {
  const bytes = Buffer.allocUnsafe(version === 5 ? 6 : 4)
  bytes[0] = PUBACK
  bytes[1] = bytes.length - 2
  bytes.writeUInt16BE(messageId, 2)
  // Reason code 0, and no properties.
  if (version === 5) bytes.writeUInt16BE(0, 4)
  holdForTurn(stream)
  return stream.write(bytes)
}

/** Writes a PUBLISH without properties. */
export function writePublish(stream: Duplex, version: number, packet: Outgoing): void {
  const { topic, payload, qos, retain, messageId } = packet
  const topicLength = Buffer.byteLength(topic)
  const length = 2 + topicLength + (qos > 0 ? 2 : 0) + (version === 5 ? 1 : 0) + payload.length
  const lengthBytes = length < 2 ** 7 ? 1 : length < 2 ** 14 ? 2 : length < 2 ** 21 ? 3 : 4
  const head = 1 + lengthBytes + length - payload.length
  const joined = payload.length <= JOINED
  const bytes = Buffer.allocUnsafe(joined ? head + payload.length : head)
  bytes[0] = PUBLISH | (qos << 1) | (retain ? 1 : 0)
  let at = writeLength(bytes, length)
  at = bytes.writeUInt16BE(topicLength, at)
  at += bytes.write(topic, at)
  if (qos > 0) at = bytes.writeUInt16BE(messageId ?? 0, at)
  if (version === 5) bytes[at] = 0
  if (joined) bytes.set(payload, head)
  holdForTurn(stream)
  stream.write(bytes)
  if (!joined) stream.write(payload)
}

/** The variable byte integer of the fixed header, after its first byte. Returns where it ends. */
function writeLength(bytes: Buffer, length: number): number {
  let rest = length
  let at = 1
  for (; rest > 0x7f; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80
  bytes[at++] = rest
  return at
}

function release(): void {
  for (const stream of held.splice(0)) stream.uncork()
}

const PUBACK = 0x40
const PUBLISH = 0x30
