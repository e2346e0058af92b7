/** The events that an answer in the output form emits: CloudEvents in JSON, whose data stay the bytes that they are. */

import { GatewayError } from '../errors.ts'
import type { CloudEvent } from '../event/index.ts'
import { asBuffer, parseJsonEvent } from '../event/json.ts'
import { type Span, scanList, scanObject } from '../event/scan.ts'
import { RESULT_EVENTS, RESULT_EXTENSIONS } from './limits.ts'

/** One element of the list, and whether it has an id of its own. */
interface Element extends Span {
  readonly named: boolean
}

/** What is wrong with what it emits, in words that say which event is meant. */
export interface Unfit {
  readonly kind: 'unfit'
  readonly what: string
}

/**
 * Returns what the list `events` of an answer emits; data are views of the answer. An event without an id gets the one
 * that `idOf` names for its place in the list. What is no list, no CloudEvent or too much is unfit.
 */
export function emittedIn(
  answer: Uint8Array,
  listed: unknown,
  idOf: (index: number) => string,
): readonly CloudEvent[] | Unfit {
  if (!Array.isArray(listed)) return unfit('emitting events: "events" is no list; answer with a list of CloudEvents')
  if (listed.length > RESULT_EVENTS)
    return unfit(`emitting events: there are ${listed.length}; ${RESULT_EVENTS} are the most`)
  const events: CloudEvent[] = []
  try {
    for (const element of elementsOf(answer, listed))
      events.push(bounded(parseJsonEvent(textOf(answer, element, idOf(events.length)))))
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return unfit(`emitting event ${events.length}: ${error.message}`)
  }
  return events
}

/** Where each of them lies: read once more, as a value that was made of JSON is not what the bytes say. */
function elementsOf(answer: Uint8Array, listed: readonly unknown[]): readonly Element[] {
  const text = asBuffer(answer).toString('latin1')
  let list: Span = { start: 0, end: 0 }
  scanObject(text, (raw, start, end) => {
    // Of two the last holds, as it does where the form is read.
    if (JSON.parse(`"${raw}"`) === 'events') list = { start, end }
  })
  const elements: Element[] = []
  scanList(text.slice(list.start, list.end), (_, start, end) => {
    elements.push({ start: list.start + start, end: list.start + end, named: isNamed(listed[elements.length]) })
  })
  return elements
}

const isNamed = (event: unknown): boolean => typeof event !== 'object' || event === null || 'id' in event

function textOf(answer: Uint8Array, { start, end, named }: Element, id: string): Uint8Array {
  const text = asBuffer(answer).subarray(start, end)
  if (named || text[0] !== OPEN) return text
  const rest = text.subarray(1)
  const comma = rest.subarray(0, -1).toString('latin1').trim() === '' ? '' : ','
  return Buffer.concat([Buffer.from(`{"id":${JSON.stringify(id)}${comma}`), rest])
}

function bounded(event: CloudEvent): CloudEvent {
  const count = Object.keys(event.extensions ?? {}).length
  if (count <= RESULT_EXTENSIONS) return event
  throw new GatewayError('EVENT_INVALID', `it has ${count} extensions; ${RESULT_EXTENSIONS} are the most`)
}

const OPEN = 0x7b

const unfit = (what: string): Unfit => ({ kind: 'unfit', what })
