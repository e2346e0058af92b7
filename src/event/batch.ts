/** The JSON batch format of CloudEvents 1.0.2: a list of events. */

import { isUtf8 } from 'node:buffer'
import { GatewayError } from '../errors.ts'
import type { CloudEvent } from './event.ts'
import { asBuffer, formatJsonEvent, parseJsonEvent } from './json.ts'
import { scanList } from './scan.ts'

const OPEN = 0x5b
const CLOSE = 0x5d
const COMMA = 0x2c

/** Reads the events of `application/cloudevents-batch+json`. Throws EVENT_INVALID that says which event is wrong, counted from 0. */
export function parseJsonBatch(bytes: Uint8Array): readonly CloudEvent[] {
  if (!isUtf8(bytes)) throw invalid('not UTF-8 text')
  const events: CloudEvent[] = []
  scanList(asBuffer(bytes).toString('latin1'), (_, start, end) => {
    events.push(parseElement(bytes.subarray(start, end), events.length))
  })
  return events
}

/** Writes events as `application/cloudevents-batch+json`. */
export function formatJsonBatch(events: readonly CloudEvent[]): Uint8Array {
  const parts = events.map(formatJsonEvent)
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length + 1, parts.length === 0 ? 2 : 1))
  let at = 0
  for (const part of parts) {
    bytes[at] = at === 0 ? OPEN : COMMA
    bytes.set(part, at + 1)
    at += part.length + 1
  }
  if (parts.length === 0) bytes[at] = OPEN
  bytes[bytes.length - 1] = CLOSE
  return bytes
}

function parseElement(bytes: Uint8Array, index: number): CloudEvent {
  try {
    return parseJsonEvent(bytes)
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    throw invalid(`event ${index}: ${error.message}`)
  }
}

const invalid = (what: string): GatewayError =>
  new GatewayError('EVENT_INVALID', `event (json batch): reading: ${what}`)
