/** W3C Trace Context, level 1: what came in with an event becomes what goes out with each hop. Pure but for the new ids. */

import { randomBytes } from 'node:crypto'

/** The headers as they travel: both in extension attributes of an event and in HTTP. */
export interface TraceHeaders {
  readonly traceparent: string
  readonly tracestate?: string
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const SAMPLED = '01'
const NEW_ID: NewId = (bytes) => randomBytes(bytes).toString('hex')

/** Returns that many random bytes in hexadecimal. */
export type NewId = (bytes: number) => string

/**
 * Returns the trace of the next hop: the same trace with a new parent id and the state as it was, or a new trace when
 * what came in is absent or breaks a rule of the specification.
 */
export function nextHop(incoming: Partial<TraceHeaders>, newId: NewId = NEW_ID): TraceHeaders {
  const parent = parse(incoming.traceparent)
  if (parent === undefined) return { traceparent: `00-${newId(16)}-${newId(8)}-${SAMPLED}` }
  const traceparent = `00-${parent.traceId}-${newId(8)}-${parent.flags}`
  const tracestate = readState(incoming.tracestate)
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate }
}

function parse(text: string | undefined): { readonly traceId: string; readonly flags: string } | undefined {
  const [, version, traceId = '', parentId = '', flags = '', rest] = TRACEPARENT.exec(text?.trim() ?? '') ?? []
  // Version 00 ends here, a later one may go on, and ff is none (3.2.2).
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined
  // Flags that we do not know are not passed on (3.2.2.5).
  return { traceId, flags: (Number.parseInt(flags, 16) & 1) === 1 ? SAMPLED : '00' }
}

const KEY = /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/
/** Printable ASCII but for comma and equals, not ending in a space (3.3.1.3.2). */
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/
const MOST_MEMBERS = 32

/** A list that breaks a rule is dropped whole, the trace itself goes on (3.3.1.1). */
function readState(text: string | undefined): string | undefined {
  const members = (text ?? '').split(',').flatMap((member) => {
    const trimmed = member.replace(/^[ \t]+|[ \t]+$/g, '')
    return trimmed === '' ? [] : [trimmed]
  })
  const keys = members.map((member) => member.slice(0, Math.max(0, member.indexOf('='))))
  const valid = members.every(
    (member, i) => KEY.test(keys[i] ?? '') && VALUE.test(member.slice(member.indexOf('=') + 1)),
  )
  const unique = new Set(keys).size === keys.length
  return members.length > 0 && members.length <= MOST_MEMBERS && valid && unique ? members.join(',') : undefined
}
