/** What a function's own answer means where it is no success, and what it is called with before its first event. */

import type { CloudEvent } from '../event/index.ts'
import type { Fault } from './answer.ts'
import type { FunctionCode } from './instance.ts'
import type { Lifted } from './lift.ts'
import type { CallContext } from './lower.ts'

const TYPES = {
  validation: 'ValidationError',
  business: 'BusinessLogicError',
  system: 'SystemError',
  timeout: 'TimeoutError',
} as const

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

/** The error that an answer is of the function `name`; undefined for a response. */
export function faultIn(lifted: Lifted, name: string): Fault | undefined {
  if (lifted.kind === 'response') return invalid(lifted.events, name)
  const message = `${name} (function): handling the event: ${lifted.message}`
  if (lifted.kind === 'reject')
    return { code: 'FUNCTION_REJECTED', message, type: TYPES[lifted.fault], detailCode: lifted.code }
  const { afterMs, fingerprint } = lifted
  return {
    code: 'FUNCTION_RETRY',
    message,
    ...(afterMs !== undefined && { retryAfterMs: afterMs }),
    ...(fingerprint !== undefined && { fingerprint }),
  }
}

/** What it emits is journaled and routed like any other event, so it has to be one. */
function invalid(events: readonly CloudEvent[], name: string): Fault | undefined {
  for (const [index, { id, source, type, extensions }] of events.entries()) {
    const missing = id === '' ? 'id' : source === '' ? 'source' : type === '' ? 'type' : undefined
    const wrong = Object.keys(extensions ?? {}).find((each) => !EXTENSION_NAME.test(each))
    if (missing === undefined && wrong === undefined) continue
    const what =
      missing === undefined ? `extension name ${JSON.stringify(wrong)} is not a-z and 0-9` : `${missing} is empty`
    return { code: 'EVENT_INVALID', message: `${name} (function): emitting event ${index}: ${what}` }
  }
  return undefined
}

/** Of a call whose time is up before it begins. */
export const lateFault = (name: string): Fault => ({
  code: 'FUNCTION_TIMED_OUT',
  message: `${name} (function): waiting for an instance: the deadline passed; raise pool.max or the timeout`,
})
