/** What a function writes during one call, and what it is denied: told up to a bound, and counted beyond it. */

import type { GrantKind, Wanted } from './grants.ts'
import { DENIALS, LOG_BYTES, LOG_LINE, LOG_LINES } from './limits.ts'
import type { Entry, Lack } from './pool.ts'
import type { Report } from './protocol.ts'
import { complains, tells } from './trap.ts'
import { lackOf } from './wasi/denial.ts'
import type { Level } from './wasi/index.ts'

export class CallLog {
  readonly #fn: number
  readonly #entry: Entry
  readonly #report: (message: Report) => void
  #callId: string | undefined
  #slot = 0
  #linesLeft = 0
  #charactersLeft = 0
  /** The last line of the call. */
  lastLine = ''
  /** True when a line of the call says that memory ran out. */
  complained = false
  /** What was told of this call's denials. */
  readonly #told = new Set<string>()
  /** Those that are not reported, by what is lacking. */
  readonly #denied = new Map<GrantKind, number>()

  constructor(fn: number, entry: Entry, report: (message: Report) => void) {
    this.#fn = fn
    this.#entry = entry
    this.#report = report
  }

  open(callId: string, slot: number): void {
    this.#callId = callId
    this.#slot = slot
    this.#linesLeft = LOG_LINES
    this.#charactersLeft = LOG_BYTES
    this.lastLine = ''
    this.complained = false
    this.#told.clear()
    this.#denied.clear()
  }

  /** Outside of a call nobody hears of it. */
  write(level: Level, message: string): void {
    if (tells(message)) this.lastLine = message
    this.complained ||= complains(message)
    const callId = this.#callId
    if (callId === undefined) return
    this.#linesLeft--
    this.#charactersLeft -= message.length
    if (this.#linesLeft >= 0 && this.#charactersLeft >= 0)
      this.#report({ kind: 'line', fn: this.#fn, callId, level, message: cutLine(message) })
  }

  /** Tells each denial once a call, and counts every one. */
  deny(what: string, wanted?: Wanted): void {
    const callId = this.#callId
    if (callId === undefined) return
    const kind = wanted?.kind ?? 'other'
    this.#denied.set(kind, (this.#denied.get(kind) ?? 0) + 1)
    const lack = lackOf(what, this.#entry, wanted)
    const { message } = lack
    if (this.#told.has(message) || this.#told.size >= DENIALS) return
    this.#told.add(message)
    // Not one of its lines: a function that floods its log hides no denial.
    this.#report({ kind: 'line', fn: this.#fn, callId, level: 'warn', message })
    this.#reportDenied(callId, lack)
  }

  close(): void {
    const callId = this.#callId
    this.#callId = undefined
    if (callId !== undefined && this.#denied.size > 0) this.#reportDenied(callId)
    if (callId === undefined || (this.#linesLeft >= 0 && this.#charactersLeft >= 0)) return
    const message = `it wrote more than ${LOG_LINES} lines or ${LOG_BYTES >> 10} KiB in one call; the rest was dropped`
    this.#report({ kind: 'line', fn: this.#fn, callId, level: 'warn', message })
  }

  #reportDenied(callId: string, lack?: Lack): void {
    const times = Object.fromEntries(this.#denied)
    this.#denied.clear()
    this.#report({ kind: 'denied', fn: this.#fn, slot: this.#slot, callId, times, ...(lack && { lack }) })
  }
}

/** Says how much is missing of a line that is cut. */
export const cutLine = (message: string): string =>
  message.length <= LOG_LINE
    ? message
    : `${message.slice(0, LOG_LINE)}... (${message.length - LOG_LINE} more characters)`
