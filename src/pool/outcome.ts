/** What a program's end means: its exit code, what it wrote to standard output, and its last line of standard error. */

import { isUtf8 } from 'node:buffer'
import { failureIn } from './form.ts'
import type { FaultKind, Lifted } from './lift.ts'

/** Codes of sysexits.h that say that the same input fails again: everything else that is not 0 is tried again. */
const REJECTING: ReadonlyMap<number, FaultKind> = new Map([
  [64, 'validation'], // EX_USAGE
  [65, 'validation'], // EX_DATAERR
  [66, 'validation'], // EX_NOINPUT
  [77, 'business'], // EX_NOPERM
  [78, 'system'], // EX_CONFIG
])

/**
 * 0 is a reply of what it wrote, or none when that is nothing. Any other code is a failure, of which a failure in the
 * output form on standard output says more, whatever form the function is configured to answer in.
 */
export function outcomeOf(status: number, stdout: Uint8Array, lastLine: string): Lifted {
  if (status === 0) return { kind: 'response', reply: replyOf(stdout), events: [] }
  const message = `exit code ${status}${lastLine === '' ? '' : `: ${lastLine.slice(0, LINE)}`}`
  const fault = REJECTING.get(status)
  const told = failureIn(stdout, fault)
  if (told) return told.kind === 'retry' ? { fingerprint: `exit:${status}`, ...told } : told
  if (fault) return { kind: 'reject', fault, code: `EXIT_${status}`, message }
  return { kind: 'retry', message, afterMs: undefined, fingerprint: `exit:${status}` }
}

/** Characters of a line in a message. */
const LINE = 500

function replyOf(data: Uint8Array): { data: Uint8Array; datacontenttype: string; status: undefined } | undefined {
  return data.length === 0 ? undefined : { data, datacontenttype: typeOf(data), status: undefined }
}

/** A program cannot say what it wrote, so it is what it looks like. */
function typeOf(data: Uint8Array): string {
  if (!isUtf8(data)) return 'application/octet-stream'
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString()
  try {
    JSON.parse(text)
    return 'application/json'
  } catch {
    return 'text/plain; charset=utf-8'
  }
}
