/** What was recorded of a dead letter: in a few figures, and as a whole for whoever runs it again. */

import { encodeEvent } from '../event/codec.ts'
import type { DeadLetter } from '../journal/journal.ts'
import { decodeRecording } from '../pool/recording.ts'
import { Problem } from './problem.ts'

/** What there is to say of a recording; nothing where there is none. */
export function recordingView(stored: Uint8Array | undefined): object {
  const recording = stored && decodeRecording(stored)?.recording
  if (!stored || !recording) return {}
  const { function: name, version, sha256, start, inputs, earlier, cut } = recording
  const count = start.length + inputs.length
  const of = { function: version === '' ? name : `${name}@${version}`, sha256 }
  return { recording: { ...of, inputs: count, bytes: stored.length, earlier, cut } }
}

/** The recording, and the event that the function was called with, in base64. Throws a Problem when nothing was recorded. */
export function recordingDetail({ event, id, to }: DeadLetter, stored: Uint8Array | undefined): object {
  if (!stored)
    throw new Problem(
      404,
      'RECORDING_UNKNOWN',
      `nothing was recorded of the dead letter "${id}": ${to} is no function, or says "record: never", or its last attempt was ended from outside (its timeout passed, the machine stopped) or never begun`,
    )
  const called = decodeRecording(stored)?.event ?? encodeEvent(event)
  return { recording: base64(stored), event: base64(called) }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
