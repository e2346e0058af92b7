/** A pool in plain JavaScript that can be told to break one requirement: what the pool suite is tested with. */

import { type ErrorType, GatewayError } from '../../src/errors.ts'
import type { CloudEvent } from '../../src/event/event.ts'
import type { Call, FunctionPool, FunctionStats, Result } from '../../src/pool/pool.ts'
import { compareVersions } from '../../src/schema/index.ts'
import type { PoolFunction, PoolOpenOptions } from './pool-bench.ts'

/** Each fault and the one requirement that it breaks. */
export const POOL_FAULTS = {
  'reads replies as text': 'P1',
  'counts every attempt as the first': 'P2',
  'turns the order of events around': 'P3',
  'forgets when to try again': 'P4',
  'forgets the type of a refusal': 'P5',
  'makes up a fingerprint each time': 'P6',
  'keeps an instance that trapped': 'P7',
  'makes an instance for each call': 'P8',
  'has free room for what is not there': 'P9',
  'takes the last version for a name': 'P10',
  'calls every line info': 'P11',
  'knows no timeout': 'P12',
  'knows no deadline': 'P13',
  'loses calls that wait behind one that is ended': 'P14',
  'makes one instance too many': 'P15',
  'is ready one instance too early': 'P16',
  'never lets an instance go': 'P17',
  'does not say when there is room again': 'P18',
  'counts on more room than there is': 'P19',
  'makes calls that nobody waits for': 'P20',
  'does not notice that a caller went away': 'P21',
  'is surprised by calls after its end': 'P22',
} as const

export type PoolFault = keyof typeof POOL_FAULTS

interface Instance {
  calls: number
  busy: boolean
}

interface Waiting {
  readonly call: Call
  readonly signal: AbortSignal
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

const SECONDS = 1_000
const error = (...args: ConstructorParameters<typeof GatewayError>) => new GatewayError(...args)

class ModelFunction {
  readonly spec: PoolFunction
  readonly instances: Instance[]
  waiting: Waiting[] = []
  running: Waiting[] = []
  idle: NodeJS.Timeout | undefined

  constructor(spec: PoolFunction, early: number) {
    this.spec = spec
    this.instances = Array.from({ length: Math.max(0, spec.min - early) }, () => ({ calls: 0, busy: false }))
  }
}

export class ModelPool implements FunctionPool {
  readonly #options: PoolOpenOptions
  readonly #fault: PoolFault | undefined
  readonly #functions: readonly ModelFunction[]
  #stopped = false

  constructor(options: PoolOpenOptions, fault?: PoolFault) {
    this.#options = options
    this.#fault = fault
    const early = fault === 'is ready one instance too early' ? 1 : 0
    // One instance too few is seen only where more than one is promised.
    this.#functions = options.functions.map((spec) => new ModelFunction(spec, spec.min > 1 ? early : 0))
  }

  async invoke(call: Call, signal: AbortSignal): Promise<Result> {
    const fn = this.#find(call.function)
    if (!fn) throw error('FUNCTION_UNKNOWN', call.function)
    if (this.#stopped)
      throw error(this.#fault === 'is surprised by calls after its end' ? 'INTERNAL' : 'STOPPING', 'stopping')
    const retryAfterMs = this.#fault === 'does not say when there is room again' ? {} : { retryAfterMs: 100 }
    if (fn.waiting.length >= this.#options.queue) throw error('OVERLOADED', 'no room', retryAfterMs)
    return new Promise((resolve, reject) => {
      fn.waiting.push({ call, signal, resolve, reject })
      queueMicrotask(() => this.#next(fn))
    })
  }

  free(name: string): number {
    const fn = this.#find(name)
    if (!fn && this.#fault === 'has free room for what is not there') return 1
    if (!fn) throw error('FUNCTION_UNKNOWN', name)
    const surplus = this.#fault === 'counts on more room than there is' ? 10 : 0
    return this.#options.queue - fn.waiting.length + surplus
  }

  async ready(): Promise<void> {}

  stats(): readonly FunctionStats[] {
    return this.#functions.map(({ spec, instances, waiting, running }) => ({
      function: spec.name,
      instances: instances.length,
      busy: running.length,
      queued: waiting.length,
      max: spec.max,
      memoryBytes: 0,
      memoryLimitBytes: 0,
      coldStarts: 0,
      resting: false,
      denied: {},
    }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    for (const fn of this.#functions) {
      clearTimeout(fn.idle)
      for (const { reject } of [...fn.running, ...fn.waiting]) reject(error('STOPPING', 'stopping'))
      fn.waiting = []
    }
  }

  #find(name: string): ModelFunction | undefined {
    const fits = ({ spec }: ModelFunction) => name === spec.name || name === `${spec.name}@${spec.version}`
    return this.#fault === 'takes the last version for a name'
      ? this.#functions.findLast(fits)
      : this.#functions
          .filter(fits)
          .toSorted((a, b) => compareVersions(a.spec.version, b.spec.version))
          .at(-1)
  }

  #next(fn: ModelFunction): void {
    if (this.#stopped) return
    fn.waiting = fn.waiting.filter((waiting) => !this.#over(waiting))
    const max = fn.spec.max + (this.#fault === 'makes one instance too many' ? 1 : 0)
    let instance = fn.instances.find(({ busy }) => !busy)
    if (!instance && fn.instances.length < max) {
      instance = { calls: 0, busy: false }
      fn.instances.push(instance)
    }
    const waiting = instance && fn.waiting.shift()
    if (instance && waiting) void this.#run(fn, instance, waiting).finally(() => this.#next(fn))
  }

  #over({ signal, reject }: Waiting): boolean {
    if (!signal.aborted) return false
    reject(signal.reason)
    return this.#fault !== 'makes calls that nobody waits for'
  }

  async #run(fn: ModelFunction, instance: Instance, waiting: Waiting): Promise<void> {
    instance.busy = true
    instance.calls++
    fn.running.push(waiting)
    clearTimeout(fn.idle)
    const outcome = await this.#ended(fn, waiting, this.#behave(fn, instance, waiting.call))
    fn.running = fn.running.filter((other) => other !== waiting)
    const broken = outcome instanceof Error && !['FUNCTION_RETRY', 'FUNCTION_REJECTED'].includes(codeOf(outcome))
    if (
      (broken && this.#fault !== 'keeps an instance that trapped') ||
      this.#fault === 'makes an instance for each call'
    )
      fn.instances.splice(fn.instances.indexOf(instance), 1)
    instance.busy = false
    if (outcome instanceof Error) waiting.reject(outcome)
    else waiting.resolve(outcome)
    if (codeOf(outcome) === 'FUNCTION_TIMED_OUT' && this.#fault === 'loses calls that wait behind one that is ended')
      for (const { reject } of this.#functions.flatMap(({ waiting: lost }) => lost.splice(0))) reject(outcome)
    this.#letGo(fn)
  }

  #letGo(fn: ModelFunction): void {
    if (this.#fault === 'never lets an instance go' || this.#stopped) return
    fn.idle = setTimeout(() => fn.instances.splice(fn.spec.min), fn.spec.idleMs)
    fn.idle.unref()
  }

  /** The outcome, or the error with which the call is ended before there is one. */
  #ended(fn: ModelFunction, { call, signal }: Waiting, work: Promise<Result | Error>): Promise<Result | Error> {
    const timeoutMs = this.#fault === 'knows no timeout' ? 60 * SECONDS : fn.spec.timeoutMs
    const leftMs = this.#fault === 'knows no deadline' ? 60 * SECONDS : call.deadline - Date.now()
    const { promise, resolve } = Promise.withResolvers<Error>()
    const timer = setTimeout(() => resolve(error('FUNCTION_TIMED_OUT', 'too long')), Math.min(timeoutMs, leftMs))
    timer.unref()
    if (this.#fault !== 'does not notice that a caller went away')
      signal.addEventListener('abort', () => resolve(signal.reason), { once: true })
    return Promise.race([work, promise]).finally(() => clearTimeout(timer))
  }

  async #behave(fn: ModelFunction, instance: Instance, call: Call): Promise<Result | Error> {
    const { event } = call
    const amount = Number(event.subject)
    if (event.type === 'loop') return new Promise(() => {})
    if (event.type === 'spin') await new Promise((resolve) => setTimeout(resolve, amount))
    if (event.type === 'print') this.#print(fn, call)
    if (event.type === 'calls') return replyOf(String(instance.calls))
    if (event.type === 'context')
      return replyOf(contextOf(fn, call, this.#fault === 'counts every attempt as the first'))
    if (event.type === 'echo') return echoOf(event, this.#fault === 'reads replies as text')
    if (event.type === 'events') return { events: this.#emitted(amount), runMs: 0, cold: false }
    return this.#failure(event.type, amount) ?? { events: [], runMs: 0, cold: false }
  }

  #failure(type: string, afterMs: number): Error | undefined {
    const kind: ErrorType = this.#fault === 'forgets the type of a refusal' ? 'SystemError' : 'ValidationError'
    if (type === 'reject') return error('FUNCTION_REJECTED', 'no', { type: kind, detailCode: 'BAD_ORDER' })
    if (type === 'retry')
      return error(
        'FUNCTION_RETRY',
        'later',
        this.#fault === 'forgets when to try again' ? {} : { retryAfterMs: afterMs },
      )
    const fingerprint = this.#fault === 'makes up a fingerprint each time' ? String(Math.random()) : 'here'
    return type === 'trap' ? error('FUNCTION_TRAPPED', 'it trapped', { fingerprint }) : undefined
  }

  #emitted(count: number): CloudEvent[] {
    const events = Array.from({ length: count }, (_, index): CloudEvent => {
      const head = { specversion: '1.0', id: String(index), source: '/model', type: 'emitted' } as const
      return { ...head, extensions: { traceid: 'abc' }, data: Buffer.from('emitted') }
    })
    return this.#fault === 'turns the order of events around' ? events.reverse() : events
  }

  #print({ spec }: ModelFunction, { callId }: Call): void {
    const same = this.#fault === 'calls every line info'
    const line = (level: 'info' | 'warn' | 'debug', message: string) =>
      this.#options.log({ function: spec.name, callId, level: same ? 'info' : level, message })
    line('info', 'to stdout')
    line('warn', 'to stderr')
    line('debug', 'to the log')
  }
}

const codeOf = (outcome: Result | Error): string => (outcome instanceof GatewayError ? outcome.code : '')

const replyOf = (text: string): Result => ({ reply: { data: Buffer.from(text) }, events: [], runMs: 0, cold: false })

const contextOf = ({ spec }: ModelFunction, { callId, attempt, parameters }: Call, first: boolean): string => {
  const given = parameters === undefined ? 'None' : `Some(${JSON.stringify(parameters)})`
  return `${callId} ${spec.name} ${spec.version ?? ''} ${first ? 1 : attempt} true false ${given}`
}

const echoOf = ({ data = new Uint8Array(), datacontenttype }: CloudEvent, asText: boolean): Result => {
  const bytes = asText ? Buffer.from(Buffer.from(data).toString()) : data
  const type = datacontenttype === undefined ? {} : { datacontenttype }
  return { reply: { data: bytes, ...type, status: 201 }, events: [], runMs: 0, cold: false }
}
