/** What is kept of calls that are ended from outside, in the middle of their instance: read by the main thread. */

import { encodeEvent } from '../event/codec.ts'
import type { FunctionCode } from './instance.ts'
import { keptBytes, recordingOf } from './keep.ts'
import { type Lent, readTape, TapeMemory } from './shared-tape.ts'
import type { Pending } from './waiting.ts'

/** The calls of one worker, by their slots. */
export class EndedCalls {
  readonly #codes: readonly FunctionCode[]
  readonly #memory = new TapeMemory()

  constructor(codes: readonly FunctionCode[]) {
    this.#codes = codes
  }

  /** What the worker is to be sent before any call of functions that do not wait. */
  lendArrays(): Lent | undefined {
    return this.#lend(0, Math.max(0, ...this.#codes.map((code) => (code.suspends ? 0 : keptBytes(code)))))
  }

  /** What the worker is to be sent before a call of one that may, if anything. */
  lendSeat(slot: number, fn: number): Lent | undefined {
    const code = this.#codes[fn]
    return code && this.#lend(slot, keptBytes(code))
  }

  /** Enters what a call that is ended was given, when it had begun and its function records at all. */
  keep(slot: number, { call, fn, signal }: Pending): void {
    const code = this.#codes[fn]
    const memory = this.#memory.of(slot)
    // Of what nobody waits for any more nothing is kept.
    if (!call.spent || !code || !memory || signal.aborted || keptBytes(code) === 0) return
    const read = readTape(memory, slot)
    if (!read) return
    const { attempt, callId, event, parameters } = call
    const of = { attempt, callId, event: encodeEvent(event), parameters, deadlineMs: read.deadlineMs, ended: true }
    call.spent.recording = recordingOf(code, read.recorded, of)
  }

  #lend(slot: number, bytes: number): Lent | undefined {
    return bytes === 0 ? undefined : this.#memory.lend(slot, bytes)
  }
}
