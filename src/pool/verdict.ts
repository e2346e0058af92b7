/** What a function's own answer means where it is no success, and what it is called with before its first event. */

import { decodeEvent } from '../event/codec.ts'
import type { CloudEvent } from '../event/index.ts'
import { isTooLong, TEXT_BYTES } from '../event/text.ts'
import type { AnswerWriter, Fault, ItemAnswer } from './answer.ts'
import { cutLine } from './call-log.ts'
import type { Unfit } from './emitted.ts'
import { type Formed, formed, type Refusal } from './form.ts'
import type { FunctionCode } from './instance.ts'
import type { Lifted } from './lift.ts'
import { RETRY_AFTER_MS } from './limits.ts'
import type { CallContext } from './lower.ts'
import type { Incoming } from './wire.ts'

const TYPES = {
  validation: 'ValidationError',
  business: 'BusinessLogicError',
  system: 'SystemError',
  timeout: 'TimeoutError',
} as const

/** Characters of a code. */
const CODE = 200

/** [CloudEvents 1.0.2, 3.1 naming]: lower-case letters and digits. */
const EXTENSION_NAME = /^[a-z0-9]+$/

/** What a function is called with before its first event, so that its code is compiled when that comes. */
export const WARM_UP = { specversion: '1.0', id: 'warm-up', source: 'headgate:pool', type: 'headgate.warmup' } as const

export const warmUpContext = ({ name, version, timeoutMs }: FunctionCode): CallContext => ({
  callId: 'warm-up',
  function: name,
  version,
  attempt: 1,
  deadlineMs: timeoutMs,
  parameters: undefined,
})

/** What is known of a call that has an answer. */
export interface Answered {
  readonly call: Incoming
  readonly code: FunctionCode
  /** Of the function, with its version. */
  readonly name: string
  readonly runMs: number
  readonly cold: boolean
  readonly memoryBytes: number
}

/** Writes what an answer means: read in the form that the function is configured to answer in. Returns whether any of it failed. */
export function writeAnswer(
  writer: Pick<AnswerWriter, 'error' | 'response'>,
  given: Lifted,
  { call, code, name, runMs, cold, memoryBytes }: Answered,
): boolean {
  const { name: own, output, version } = code
  const lifted: Lifted | Formed | Unfit =
    output === undefined || given.kind !== 'response'
      ? given
      : formed(given, { ...call, event: decodeEvent(call.event), name: own, runMs, memoryBytes, version })
  const fault = lifted.kind === 'unfit' ? eventFault(name, lifted.what) : faultIn(lifted, name)
  if (fault) writer.error(call.slot, fault, runMs, memoryBytes, cold)
  if (fault || lifted.kind !== 'response') return true
  const items = itemAnswers(lifted, name)
  writer.response(call.slot, lifted, runMs, cold, memoryBytes, items)
  return items?.some((item) => 'code' in item) === true
}

/** The error that an answer is of the function `name`; undefined for a response. */
export function faultIn(lifted: Lifted, name: string): Fault | undefined {
  if (lifted.kind !== 'response') return refusalIn(lifted, name)
  const type = lifted.reply?.datacontenttype
  if (type !== undefined && isTooLong(type)) return eventFault(name, `answering: ${longer('datacontenttype')}`)
  return invalid(lifted.events, name)
}

/** What became of each item of a batch, where an answer tells. */
const itemAnswers = ({ items }: Formed, name: string): readonly ItemAnswer[] | undefined =>
  items?.map((item) => ('value' in item ? item : refusalIn(item, name)))

function refusalIn(lifted: Refusal, name: string): Fault {
  // Every attempt is logged, kept and answered with it.
  const message = `${name} (function): handling the event: ${cutLine(lifted.message)}`
  if (lifted.kind === 'reject')
    return { code: 'FUNCTION_REJECTED', message, type: TYPES[lifted.fault], detailCode: lifted.code.slice(0, CODE) }
  const { afterMs, fingerprint } = lifted
  return {
    code: 'FUNCTION_RETRY',
    message,
    ...(afterMs !== undefined && { retryAfterMs: Math.min(afterMs, RETRY_AFTER_MS) }),
    ...(fingerprint !== undefined && { fingerprint: fingerprint.slice(0, CODE) }),
  }
}

/** What it emits is journaled and routed like any other event, so it has to be one. */
function invalid(events: readonly CloudEvent[], name: string): Fault | undefined {
  for (const [index, event] of events.entries()) {
    const { id, source, type, extensions } = event
    const missing = id === '' ? 'id' : source === '' ? 'source' : type === '' ? 'type' : undefined
    const wrong = Object.keys(extensions ?? {}).find((each) => !EXTENSION_NAME.test(each))
    const long = longIn(event)
    if (missing === undefined && wrong === undefined && long === undefined) continue
    const extension =
      wrong === undefined ? undefined : `extension name ${JSON.stringify(wrong.slice(0, CODE))} is not a-z and 0-9`
    const what = missing === undefined ? (extension ?? longer(long ?? '')) : `${missing} is empty`
    return eventFault(name, `emitting event ${index}: ${what}`)
  }
  return undefined
}

const eventFault = (name: string, what: string): Fault => ({
  code: 'EVENT_INVALID',
  message: `${name} (function): ${what}`,
})

const ATTRIBUTES = ['id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'dataschema'] as const

const longer = (name: string): string => `${name} has more than ${TEXT_BYTES} bytes`

/** The first attribute that is too long. */
function longIn(event: CloudEvent): string | undefined {
  const own = ATTRIBUTES.find((name) => isTooLong(event[name] ?? ''))
  if (own !== undefined || event.extensions === undefined) return own
  return Object.entries(event.extensions).find(([, value]) => typeof value === 'string' && isTooLong(value))?.[0]
}

/** Of a call whose time is up before it begins. */
export const lateFault = (name: string): Fault => ({
  code: 'FUNCTION_TIMED_OUT',
  message: `${name} (function): waiting for an instance: the deadline passed; raise pool.max or the timeout`,
})
