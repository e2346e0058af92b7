/** How an attempt went, in twenty bytes: they lie beside the state of its delivery, and cost no write of their own. */

import type { Figures } from './journal.ts'

/** took, queued, ran (4 each, float), generation (4, 0 is none), worker (2, 0 is none), flags (1), reserved (1). */
export const FIGURES = 20
const FLAG = { known: 1, cold: 2, unanswered: 4 } as const

/** Floats hold the time of any attempt to one part in ten million; what is not known is no number. */
export function writeFigures(bytes: Buffer, at: number, figures: Figures): void {
  bytes.writeFloatLE(figures.tookMs, at)
  bytes.writeFloatLE(figures.queueMs ?? Number.NaN, at + 4)
  bytes.writeFloatLE(figures.runMs ?? Number.NaN, at + 8)
  bytes.writeUInt32LE(figures.generation ?? 0, at + 12)
  bytes.writeUInt16LE(Math.min(figures.worker ?? 0, 0xffff), at + 16)
  bytes[at + 18] =
    FLAG.known | (figures.cold === true ? FLAG.cold : 0) | (figures.unanswered === true ? FLAG.unanswered : 0)
}

/** Reads them back; undefined when none were written. */
export function readFigures(bytes: Buffer, at: number): Figures | undefined {
  const flags = bytes[at + 18] ?? 0
  if ((flags & FLAG.known) === 0) return undefined
  const [queueMs, runMs] = [bytes.readFloatLE(at + 4), bytes.readFloatLE(at + 8)]
  const [generation, worker] = [bytes.readUInt32LE(at + 12), bytes.readUInt16LE(at + 16)]
  return {
    tookMs: rounded(bytes.readFloatLE(at)),
    ...(Number.isNaN(queueMs) ? {} : { queueMs: rounded(queueMs) }),
    ...(Number.isNaN(runMs) ? {} : { runMs: rounded(runMs) }),
    ...(worker === 0 ? {} : { worker }),
    ...(generation === 0 ? {} : { generation }),
    ...(flags & FLAG.cold ? { cold: true } : {}),
    ...(flags & FLAG.unanswered ? { unanswered: true } : {}),
  }
}

/** To microseconds: the digits behind them are of the float, not of the clock. */
const rounded = (ms: number): number => Math.round(ms * 1_000) / 1_000
