/** Which calls of a function are kept with what they were given, and how. */

import { hash } from 'node:crypto'
import type { FunctionCode } from './instance.ts'
import { RECORD_BYTES } from './limits.ts'
import type { RecordRule } from './pool.ts'
import { encodeRecording, type Recorded } from './recording.ts'
import type { SharedTape } from './shared-tape.ts'
import { Tape } from './tape.ts'
import type { Incoming } from './wire.ts'

const RULE: RecordRule = { when: 'failure', bytes: RECORD_BYTES }

/** Bytes that are kept of a call of the function; 0 where nothing is. */
export const keptBytes = ({ record: { when, bytes } = RULE }: Pick<FunctionCode, 'record'>): number =>
  when === 'never' ? 0 : bytes

/** A new tape for a copy of the function; one that records nothing where nothing is to be kept. */
export function tapeOf(code: FunctionCode, shared: SharedTape): Tape {
  const bytes = keptBytes(code)
  return new Tape(bytes, bytes === 0 ? undefined : shared)
}

/** Whether a call is kept that ended in an answer. */
export const isKept = ({ record = RULE }: FunctionCode, failed: boolean): boolean => failed || record.when === 'always'

/** A call, and what it was told to have left in milliseconds. `ended` is one that did not end by itself. */
export interface Recordable extends Pick<Incoming, 'attempt' | 'callId' | 'event' | 'parameters'> {
  readonly deadlineMs: number
  readonly ended?: boolean
}

/** What is kept of a call that was given this. The event is in it unless it is too long. */
export function recordingOf(code: FunctionCode, recorded: Recorded, call: Recordable): Uint8Array {
  const { name, version, sha256, memoryBytes, timeoutMs, grants, output, record = RULE } = code
  const { attempt, callId, deadlineMs, ended, event, parameters } = call
  const of = {
    function: name,
    version,
    sha256,
    callId,
    attempt,
    deadlineMs,
    parameters,
    memoryBytes,
    timeoutMs,
    output,
    ended,
  }
  // The values of its configuration may be secret; those that it read are among what it was given.
  const whole = event.length <= record.bytes
  const eventSha256 = whole ? undefined : hash('sha256', event)
  const recording = { ...of, eventSha256, grants: { ...grants, config: {} }, ...recorded }
  return encodeRecording(recording, whole ? event : undefined)
}

/** What a function is told to have left of what its call has. */
export const deadlineOf = ({ timeoutMs }: FunctionCode, leftMs: number): number => Math.min(leftMs, timeoutMs)
