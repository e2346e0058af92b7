/** How an attempt went, in twelve bytes: they lie beside the state of its delivery, and cost no write of their own. */

import type { Figures } from './journal.ts'

/** took, queued, ran (2 each), worker and flags (2), generation (4, 0 is none). */
export const FIGURES = 12
/** Of the upper byte of the worker, whose number has 13 bits; 0 is none. */
const FLAG = { known: 0x80, cold: 0x40, unanswered: 0x20 } as const
const MOST_WORKERS = 0x1fff

/** Times are eleven bits of microseconds and five of exponent: to one part in a thousand, up to fifty days. */
const UNKNOWN = 0xffff

/** Bytes are set one by one: each call of a Buffer's own methods costs as much as all of them. */
export function writeFigures(bytes: Buffer, at: number, figures: Figures): void {
  const { cold, generation = 0, queueMs, runMs, tookMs, unanswered, worker = 0 } = figures
  writeShort(bytes, at, packed(tookMs))
  writeShort(bytes, at + 2, packed(queueMs))
  writeShort(bytes, at + 4, packed(runMs))
  writeShort(bytes, at + 6, Math.min(worker, MOST_WORKERS))
  bytes[at + 7] =
    (bytes[at + 7] ?? 0) | FLAG.known | (cold === true ? FLAG.cold : 0) | (unanswered === true ? FLAG.unanswered : 0)
  writeShort(bytes, at + 8, generation)
  writeShort(bytes, at + 10, generation >>> 16)
}

/** Reads them back; undefined when none were written. */
export function readFigures(bytes: Buffer, at: number): Figures | undefined {
  if (at + FIGURES > bytes.length) return undefined
  const flags = bytes[at + 7] ?? 0
  if ((flags & FLAG.known) === 0) return undefined
  const [queueMs, runMs] = [unpacked(bytes.readUInt16LE(at + 2)), unpacked(bytes.readUInt16LE(at + 4))]
  const [worker, generation] = [bytes.readUInt16LE(at + 6) & MOST_WORKERS, bytes.readUInt32LE(at + 8)]
  return {
    tookMs: unpacked(bytes.readUInt16LE(at)) ?? 0,
    ...(queueMs === undefined ? {} : { queueMs }),
    ...(runMs === undefined ? {} : { runMs }),
    ...(worker === 0 ? {} : { worker }),
    ...(generation === 0 ? {} : { generation }),
    ...(flags & FLAG.cold ? { cold: true } : {}),
    ...(flags & FLAG.unanswered ? { unanswered: true } : {}),
  }
}

function writeShort(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value & 0xff
  bytes[at + 1] = (value >>> 8) & 0xff
}

function packed(ms: number | undefined): number {
  if (ms === undefined) return UNKNOWN
  const us = Math.max(0, Math.round(ms * 1_000))
  if (us < 2_048) return us
  const exponent = us < 2 ** 31 ? 21 - Math.clz32(us) : Math.floor(Math.log2(us)) - 10
  return Math.min(UNKNOWN - 1, (exponent << 11) | Math.min(2_047, Math.round(us / 2 ** exponent)))
}

const unpacked = (value: number): number | undefined =>
  value === UNKNOWN ? undefined : ((value & 0x7ff) * 2 ** (value >>> 11)) / 1_000
