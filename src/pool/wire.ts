/** How calls and answers cross between the main thread and a worker: arrays of byte ranges, one buffer a message. */

import { draftOf, type EventDraft } from '../event/codec.ts'
import type { Call } from './pool.ts'

const CALL_HEAD = 32
const MESSAGE_HEAD = 4
const ABSENT = 0xffffffff

/** What `performance.now` counts from is another instant in each thread: how far it is behind what `hrtime` counts from. */
const BEHIND = Number(process.hrtime.bigint()) / 1e6 - performance.now()

/** Milliseconds on a clock that nobody sets, the same in every thread. */
export const steady = (): number => performance.now() + BEHIND

/** A call as the worker sees it; byte ranges are views of the message. */
export interface Incoming {
  readonly slot: number
  /** Index of the function in the pool. */
  readonly fn: number
  readonly attempt: number
  /** Its deadline, by `steady`. */
  readonly until: number
  readonly callId: string
  readonly parameters: string | undefined
  /** The event as `encodeEvent` wrote it. */
  readonly event: Uint8Array
}

/** Returns one message with these calls; their slots count up from `firstSlot`. */
export function encodeCalls(
  calls: readonly { readonly call: Call; readonly fn: number; readonly until: number }[],
  firstSlot: number,
): ArrayBuffer {
  const drafts: EventDraft[] = []
  let size = MESSAGE_HEAD
  for (const { call } of calls) {
    const draft = draftOf(call.event, call.draft)
    drafts.push(draft)
    size += CALL_HEAD + draft.bytes + 3 * (call.callId.length + (call.parameters?.length ?? 0))
  }
  // The buffer itself is handed over, not copied.
  const buffer = new ArrayBuffer(size)
  const message = Buffer.from(buffer)
  message.writeUInt32LE(calls.length, 0)
  let at = MESSAGE_HEAD
  for (let index = 0; index < calls.length; index++) {
    const [one, draft] = [calls[index], drafts[index]]
    if (!one || !draft) break
    const { call, fn, until } = one
    const callId = message.write(call.callId, at + CALL_HEAD)
    const parameters = call.parameters === undefined ? ABSENT : message.write(call.parameters, at + CALL_HEAD + callId)
    const length = CALL_HEAD + callId + (parameters === ABSENT ? 0 : parameters)
    draft.writeTo(message, at + length)
    const end = at + length + draft.bytes
    message.writeUInt32LE(end - at, at)
    message.writeUInt32LE(firstSlot + index, at + 4)
    message.writeUInt32LE(fn, at + 8)
    message.writeUInt32LE(call.attempt, at + 12)
    message.writeDoubleLE(until, at + 16)
    message.writeUInt32LE(callId, at + 24)
    message.writeUInt32LE(parameters, at + 28)
    at = end
  }
  return buffer
}

/** Reads the calls of a message one by one, each only when it is asked for. */
export function* decodeCalls(message: Buffer): Generator<Incoming> {
  const count = message.readUInt32LE(0)
  let at = MESSAGE_HEAD
  for (let index = 0; index < count; index++) {
    const end = at + message.readUInt32LE(at)
    const body = at + CALL_HEAD
    const afterId = body + message.readUInt32LE(at + 24)
    const parameters = message.readUInt32LE(at + 28)
    const afterParameters = parameters === ABSENT ? afterId : afterId + parameters
    yield {
      slot: message.readUInt32LE(at + 4),
      fn: message.readUInt32LE(at + 8),
      attempt: message.readUInt32LE(at + 12),
      until: message.readDoubleLE(at + 16),
      callId: message.toString('utf8', body, afterId),
      parameters: parameters === ABSENT ? undefined : message.toString('utf8', afterId, afterParameters),
      event: message.subarray(afterParameters, end),
    }
    at = end
  }
}
