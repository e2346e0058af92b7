/** What functions ask of the path while they run: to publish, to send a request and wait for its answer, to run another function. */

import type { BrokerPort } from '../connector/broker.ts'
import type { CallPort, CallReply } from '../connector/calls.ts'
import { Deadline } from '../connector/deadline.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import { attributeTexts, CALL_EXTENSIONS, type CloudEvent, uuidv7, withExtensions } from '../event/index.ts'
import { type Answered, type Caller, DEPTH, depthOf, HostError, type Message } from '../pool/host.ts'
import type { FunctionPool } from '../pool/pool.ts'
import { readVersioned } from '../schema/index.ts'
import type { Accept } from './accept.ts'
import { asChild, refuseLoop } from './chain.ts'
import { emitChildren } from './children.ts'
import { FunctionTarget } from './target.ts'

/** How many functions may wait for each other: each holds an instance meanwhile. */
export const MAX_DEPTH = 8

export interface AskedParts {
  /** The way in for what comes of events. */
  readonly accept: Accept
  readonly broker: Pick<BrokerPort, 'mayPublish' | 'publish'>
  readonly calls: Pick<CallPort, 'reply' | 'cancel'>
  /** The time by which callers set deadlines; the machine's when absent. */
  readonly now?: () => number
}

/** All of it rejects with a HostError in the terms of `headgate:function/host-types`. */
export class AskedByFunctions {
  readonly #parts: AskedParts

  constructor(parts: AskedParts) {
    this.#parts = parts
  }

  /** Resolves once it is on disk, if a route takes it, and the broker holds it. */
  async publish(message: Message, caller: Caller): Promise<void> {
    const { accept, broker } = this.#parts
    this.#check(message.topic)
    const event = asChild(publishOf(message, caller), caller.event, caller.callId, caller.asked)
    await asked(async () => {
      await accept(event, { source: 'mqtt', address: message.topic })
      const { datacontenttype } = event
      const userProperties = attributeTexts(event)
      await broker.publish({
        topic: message.topic,
        payload: message.data,
        qos: 1,
        retain: false,
        properties: { userProperties, ...(datacontenttype !== undefined && { contentType: datacontenttype }) },
      })
    })
  }

  /** Offers it as a call, at most once. */
  async request(message: Message, caller: Caller, timeoutMs = Number.POSITIVE_INFINITY): Promise<Answered> {
    this.#check(message.topic)
    const ms = Math.max(0, Math.min(timeoutMs, caller.deadline - Date.now()))
    const event = nested(publishOf(message, caller), caller)
    const callId = uuidv7()
    const call = withExtensions(event, {
      [CALL_EXTENSIONS.callId]: callId,
      [CALL_EXTENSIONS.deadline]: new Date((this.#parts.now ?? Date.now)() + ms).toISOString(),
      [CALL_EXTENSIONS.replyForm]: 'http',
    })
    const limit = new Deadline(ms, caller.signal)
    try {
      return await asked(() => this.#reply(call, callId, message.topic, limit.signal))
    } catch (error) {
      if (limit.signal.aborted) this.#parts.calls.cancel(callId)
      // The reply of what was not accepted is not waited for any longer.
      limit.giveUp(error)
      throw limit.passed ? timeout(`no answer within ${Math.round(ms)} ms`) : error
    } finally {
      limit.end()
    }
  }

  /** Runs it on the pool of the caller, at most once; what it emits goes back to match. */
  async call(name: string, parameters: string, caller: Caller, pool: Pick<FunctionPool, 'invoke'>): Promise<Answered> {
    const callId = uuidv7()
    const event = nested(callOf(name, parameters, caller), caller)
    return asked(async () => {
      refuseLoop(event, `call/${name}`)
      const target = new FunctionTarget(pool, readVersioned(name), false)
      const work = { event, callId, attempt: 1, deadline: caller.deadline }
      const { answer = {}, children } = await target.handle(work, caller.signal)
      await emitChildren(children, event, `${callId}/${name}`, this.#parts)
      return { ...answer, data: answer.data ?? NOTHING }
    })
  }

  #check(topic: string): void {
    if (topic !== '' && !/[+#\0]|^\$/.test(topic) && this.#parts.broker.mayPublish(topic)) return
    throw new HostError('failed', `"${topic}" is no topic that can be published on`, { code: 'EVENT_INVALID' })
  }

  async #reply(call: CloudEvent, callId: string, topic: string, signal: AbortSignal): Promise<Answered> {
    const waiting = this.#parts.calls.reply(callId, signal)
    // Awaited below, or never when the call is not accepted: that is no unhandled rejection.
    waiting.catch(() => {})
    await this.#parts.accept(call, { source: 'mqtt', address: topic }, { direct: true })
    return answered(await waiting)
  }
}

const NOTHING = new Uint8Array()

const from = ({ function: name }: Caller) => ({
  specversion: '1.0' as const,
  id: uuidv7(),
  source: `/functions/${encodeURIComponent(name)}`,
  time: new Date().toISOString(),
})

const publishOf = ({ data, datacontenttype, topic }: Message, caller: Caller): CloudEvent => ({
  ...from(caller),
  type: 'headgate.function.publish',
  subject: topic,
  ...(datacontenttype === undefined ? {} : { datacontenttype }),
  data,
})

const callOf = (name: string, parameters: string, caller: Caller): CloudEvent => ({
  ...from(caller),
  type: 'headgate.call',
  subject: name,
  datacontenttype: 'application/json',
  data: Buffer.from(parameters),
})

/** An event for whose answer a function waits, in an instance that nobody else has meanwhile. */
function nested(event: CloudEvent, caller: Caller): CloudEvent {
  const depth = depthOf(caller.event) + 1
  if (depth > MAX_DEPTH)
    throw failed(
      new GatewayError(
        'CALL_TOO_DEEP',
        `${caller.function} (function): calling "${event.subject}": ${MAX_DEPTH} functions wait for each other already; a function calls itself, or let it emit an event instead`,
      ),
    )
  return withExtensions(asChild(event, caller.event, caller.callId, caller.asked), { [DEPTH]: depth })
}

function answered({ data = NOTHING, datacontenttype, error, httpStatus }: CallReply): Answered {
  if (error) throw new HostError('failed', error.message, { code: error.code })
  return { data, datacontenttype, status: httpStatus }
}

/** Says what went wrong in the terms of the interface. */
async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    throw thrown instanceof HostError ? thrown : failed(toGatewayError(thrown))
  }
}

const timeout = (message: string): HostError => new HostError('timeout', message)

function failed(error: GatewayError): HostError {
  const { code, detailCode, disposition, message, type } = error
  if (type === 'TimeoutError') return timeout(message)
  const mayPass = disposition === 'retry' && !code.startsWith('FUNCTION_')
  return mayPass
    ? new HostError('unavailable', message, { cause: error })
    : new HostError('failed', message, { code: detailCode ?? code, cause: error })
}
