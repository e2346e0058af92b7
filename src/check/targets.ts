/** The targets of a test: stand-ins that succeed, or fail as the test says, and functions that are really run for a reply. */

import { passTime } from '../delivery/clock.ts'
import { FunctionTarget, type Handled, type Target, type Work } from '../delivery/target.ts'
import { ERRORS, type ErrorCode, type ErrorType, GatewayError } from '../errors.ts'
import { expandTemplate, extension } from '../event/index.ts'
import type { FunctionPool } from '../pool/pool.ts'
import type { Failing } from '../router/config.ts'
import type { Target as RouteTarget } from '../router/route.ts'
import type { VirtualClock } from './clock.ts'

/** One invocation of a target; of a batch, too, it is one. */
export interface Tried {
  /** Absent when the journal was skipped. */
  readonly route?: string
  readonly to: string
  readonly callId: string
  /** Where it went, when it is a topic that is named after the event: a transform may have named another. */
  readonly topic?: string
}

export interface TargetParts {
  readonly clock: VirtualClock
  readonly failing?: Failing
  /** Whether the test is about this target, when it says none itself. */
  readonly tested: (text: string) => boolean
  /** Told of each invocation, but for copies of dead letters. */
  readonly tried: (tried: Tried) => void
  /** The functions, loaded; absent when they are not to be run. */
  readonly pool?: FunctionPool
}

/** Returns what stands for a target of a route. A sink takes no time and a function answers nothing, unless it is run. */
export function standIn(target: RouteTarget, parts: TargetParts, route?: string): Target {
  const isFunction = target.kind === 'function'
  const named = { to: target.text, ...(route === undefined ? {} : { route }) }
  const topic = ({ event }: Work) =>
    target.kind === 'mqtt' && target.topic.includes('{') ? { topic: `mqtt:${expandTemplate(target.topic, event)}` } : {}
  const real = isFunction && parts.pool ? new FunctionTarget(onClock(parts.pool, parts.clock), target, true) : undefined
  return {
    answers: isFunction,
    async handle(work, signal) {
      if (isCopy(work)) return handled(target, work)
      parts.tried({ ...named, callId: work.callId, ...topic(work) })
      if (fails(target, work, parts)) throw await failure(target, work, parts, signal)
      return real ? real.handle(work, signal) : handled(target, work)
    },
  }
}

/** A topic that routes take is where an event comes in, too. */
function handled(target: RouteTarget, { event }: Work): Handled {
  if (target.kind !== 'mqtt') return { children: [] }
  return { children: [{ event, origin: { source: 'mqtt', address: expandTemplate(target.topic, event) } }] }
}

/** Real time passes inside a function, while the clock of the test stands still. */
const onClock = (pool: FunctionPool, clock: VirtualClock): FunctionPool => ({
  invoke: (call, signal) =>
    clock.hold(pool.invoke({ ...call, deadline: Date.now() + Math.max(0, call.deadline - clock.now()) }, signal)),
  free: (name) => pool.free(name),
  ready: (name) => pool.ready(name),
  stats: () => pool.stats(),
  [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
})

/** What a dead letter goes to never fails, and is no attempt of the delivery's. */
const isCopy = ({ event }: Work): boolean => extension(event, 'deadletterroute') !== undefined

function fails(target: RouteTarget, { attempt }: Work, { failing, tested }: TargetParts): boolean {
  if (!failing || attempt > failing.first) return false
  const { text } = target
  // A function may be named without its version.
  return failing.at ? failing.at.includes(text) || ('name' in target && failing.at.includes(target.name)) : tested(text)
}

/** Resolves to the error of an attempt; one that is out of time comes when the time is up. */
async function failure(
  target: RouteTarget,
  { deadline }: Work,
  { clock, failing }: TargetParts,
  signal: AbortSignal,
): Promise<GatewayError> {
  const error = errorOf(target, failing?.with)
  if (error.type === 'TimeoutError') await passTime(clock, Math.max(0, deadline - clock.now()), signal)
  return error
}

const CODES: Readonly<Record<'function' | 'sink', Readonly<Record<ErrorType, ErrorCode>>>> = {
  function: {
    ValidationError: 'FUNCTION_REJECTED',
    BusinessLogicError: 'FUNCTION_REJECTED',
    SystemError: 'FUNCTION_TRAPPED',
    TimeoutError: 'FUNCTION_TIMED_OUT',
  },
  sink: {
    ValidationError: 'SINK_REJECTED',
    BusinessLogicError: 'SINK_REJECTED',
    SystemError: 'SINK_UNAVAILABLE',
    TimeoutError: 'SINK_UNAVAILABLE',
  },
}

const isCode = (text: string): text is ErrorCode => Object.hasOwn(ERRORS, text)
const isType = (text: string): text is ErrorType => Object.hasOwn(CODES.sink, text)

/** The error that a test asks for: of a code, of a type, or with a code of the function's own. */
export function errorOf({ kind, text }: RouteTarget, wanted = 'SystemError'): GatewayError {
  const codes = CODES[kind === 'function' ? 'function' : 'sink']
  const message = `${text} (${kind}): delivering: it fails because the test says so`
  if (isCode(wanted)) return new GatewayError(wanted, message)
  if (isType(wanted)) return new GatewayError(codes[wanted], message, { type: wanted })
  return new GatewayError(codes.BusinessLogicError, message, { detailCode: wanted })
}
