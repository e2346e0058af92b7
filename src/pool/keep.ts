/** Which calls of a function are kept with what they were given, and how. */

import { hash } from 'node:crypto'
import type { FunctionCode } from './instance.ts'
import { RECORD_BYTES } from './limits.ts'
import type { RecordRule } from './pool.ts'
import { encodeRecording } from './recording.ts'
import { type Reel, Tape } from './tape.ts'
import type { Incoming } from './wire.ts'

const RULE: RecordRule = { when: 'failure', bytes: RECORD_BYTES }

/** A new tape for a copy of the function; one that records nothing where nothing is to be kept. */
export const tapeOf = ({ record: { when, bytes } = RULE }: FunctionCode): Tape => new Tape(when === 'never' ? 0 : bytes)

/** Whether a call is kept that ended in an answer. */
export const isKept = ({ record = RULE }: FunctionCode, failed: boolean): boolean => failed || record.when === 'always'

/** What is kept of the call that a copy ran last; undefined when nothing is. The event is in it unless it is too long. */
export function recordingOf(code: FunctionCode, reel: Reel, call: Incoming, leftMs: number): Uint8Array | undefined {
  const recorded = reel.recorded()
  if (!recorded) return undefined
  const { name, version, sha256, memoryBytes, timeoutMs, grants, output, record = RULE } = code
  const { callId, attempt, parameters, event } = call
  const deadlineMs = deadlineOf(code, leftMs)
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
  }
  // The values of its configuration may be secret; those that it read are among what it was given.
  const whole = event.length <= record.bytes
  const eventSha256 = whole ? undefined : hash('sha256', event)
  const recording = { ...of, eventSha256, grants: { ...grants, config: {} }, ...recorded }
  return encodeRecording(recording, whole ? event : undefined)
}

/** What a function is told to have left of what its call has. */
export const deadlineOf = ({ timeoutMs }: FunctionCode, leftMs: number): number => Math.min(leftMs, timeoutMs)
