/** The pool: gives calls that wait to workers that have room, and replaces workers that cannot go on. */

import { GatewayError } from '../errors.ts'
import { compareVersions, versioned } from '../schema/index.ts'
import type { Answer } from './answer.ts'
import type { Host } from './host.ts'
import type { FunctionCode } from './instance.ts'
import { WATCH_MS } from './limits.ts'
import { Places } from './places.ts'
import type { Call, FunctionDenied, FunctionLog, FunctionPool, FunctionSpec, FunctionStats, Result } from './pool.ts'
import type { Report } from './protocol.ts'
import { Seating } from './seating.ts'
import { Sharing } from './sharing.ts'
import { type Pending, WaitingFunction } from './waiting.ts'
import { Watch } from './watch.ts'
import { steady } from './wire.ts'
import { PoolWorker, type WorkerEvents } from './worker.ts'

export interface DispatcherOptions {
  readonly log: FunctionLog
  readonly denied?: FunctionDenied | undefined
  readonly workers: number
  readonly queue: number
  /** What functions reach of the gateway while they run; nothing when absent. */
  readonly host?: Host | undefined
  /** The clock that hints go by, in milliseconds since the epoch. */
  readonly now: () => number
}

/** After this long a worker that did not come up is tried again. */
const RESTART_MS = 1_000

export class Dispatcher implements FunctionPool {
  readonly #functions: readonly WaitingFunction[]
  readonly #byName = new Map<string, number>()
  readonly #codes: readonly FunctionCode[]
  readonly #options: DispatcherOptions
  readonly #workers: PoolWorker[] = []
  readonly #places: Places
  readonly #seating: Seating
  readonly #sharing: Sharing
  readonly #watch: Watch
  readonly #events: WorkerEvents
  readonly #ending = new Set<Promise<void>>()
  #scheduled = false
  #stopped = false
  #later: NodeJS.Timeout | undefined

  constructor(specs: readonly FunctionSpec[], codes: readonly FunctionCode[], options: DispatcherOptions) {
    this.#functions = specs.map((spec, fn) => new WaitingFunction(spec, options.queue, codes[fn]?.suspends === true))
    this.#codes = codes
    this.#options = options
    // The newest of a name comes last, and keeps the name.
    for (const spec of specs.toSorted((left, right) => compareVersions(left.version, right.version)))
      for (const name of [versioned(spec), spec.name]) this.#byName.set(name, specs.indexOf(spec))
    this.#events = {
      answered: (pending, outcome, runMs) => this.#answered(pending, outcome, runMs),
      freed: () => this.#schedule(),
      reported: (report) => this.#reported(report),
      asked: (worker, seated, asked) => void this.#seating.asked(worker, seated, asked, this),
      died: (worker, error) => this.#died(worker, error),
    }
    this.#places = new Places(this.#functions, this.#workers, options.workers, options.now, () => this.#schedule())
    this.#seating = new Seating(this.#functions, this.#places, options.host, options.log)
    this.#watch = new Watch(this.#functions, this.#workers, {
      held: (calls) => this.#putBack(calls),
      waiting: () => this.#schedule(),
      dropped: (pending, reason) => {
        this.#left(pending)
        pending.reject(reason)
        this.#schedule()
      },
      ended: (worker, error) => this.#replace(worker, error),
    })
    this.#sharing = new Sharing(this.#functions, this.#places, (pending) => this.#watch.over(pending))
    // Without functions there is nothing to run.
    if (specs.length > 0) for (let count = 0; count <= options.workers; count++) this.#start()
  }

  invoke(call: Call, signal: AbortSignal): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const fn = this.#byName.get(call.function)
      const waiting = fn === undefined ? undefined : this.#functions[fn]
      if (fn === undefined || !waiting) throw this.#unknown(call.function)
      if (this.#stopped) throw stopping(call.function)
      signal.throwIfAborted()
      if (waiting.callers >= waiting.spec.max) this.#seating.refuse(call, waiting.spec)
      const since = steady()
      // Behind others there is nothing to be done for it: whatever lets those go dispatches.
      const isFirst = waiting.length === 0
      waiting.push({ call, fn, since, until: since + call.deadline - Date.now(), signal, resolve, reject })
      if (isFirst) this.#schedule()
    })
  }

  free(name: string): number {
    return this.#find(name).room
  }

  async ready(name: string): Promise<void> {
    const fn = this.#functions.indexOf(this.#find(name))
    await this.#places.warm(fn)
  }

  stats(): readonly FunctionStats[] {
    return this.#functions.map((waiting, fn) => ({
      function: waiting.spec.name,
      ...(waiting.spec.version !== undefined && { version: waiting.spec.version }),
      instances: this.#places.instances(fn),
      busy: waiting.sent,
      queued: waiting.length,
      max: waiting.spec.max,
      memoryBytes: this.#workers.reduce((sum, worker) => sum + (worker.bytes[fn] ?? 0), 0),
      memoryLimitBytes: waiting.spec.memoryBytes,
      coldStarts: waiting.coldStarts,
      resting: this.#places.rests(fn),
      denied: waiting.denied,
    }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    this.#watch.stop()
    this.#places.stop()
    clearTimeout(this.#later)
    const ended = this.#workers.splice(0).map((worker) => {
      const { running, others } = worker.abandon()
      for (const pending of running ? [running, ...others] : others) pending.reject(stopping(pending.call.function))
      return worker.end()
    })
    for (const waiting of this.#functions)
      waiting.sweep(({ call, reject }) => {
        reject(stopping(call.function))
        return true
      })
    await Promise.all([...ended, ...this.#ending])
  }

  #find(name: string): WaitingFunction {
    const found = this.#functions[this.#byName.get(name) ?? -1]
    if (!found) throw this.#unknown(name)
    return found
  }

  #unknown(name: string): GatewayError {
    const known = [...this.#byName.keys()].join(', ') || 'none'
    return new GatewayError(
      'FUNCTION_UNKNOWN',
      `${name} (function): calling: there is none of that name; there are: ${known}`,
    )
  }

  #start(): void {
    if (this.#stopped) return
    this.#workers.push(new PoolWorker(this.#codes, this.#events))
  }

  /** Dispatches once all that happens now has happened, so that calls made together travel together. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      if (!this.#stopped) this.#dispatch()
    })
  }

  #dispatch(): void {
    this.#seating.seat((pending) => this.#watch.over(pending))
    this.#sharing.share()
    if (this.#places.crowded) this.#start()
    const { surplus } = this.#places
    if (surplus) this.#end(surplus)
    if (this.#workers.some(({ busy }) => busy) || this.#functions.some(({ length }) => length > 0))
      this.#watch.start(WATCH_MS)
  }

  #left({ fn }: Pending): WaitingFunction | undefined {
    const waiting = this.#functions[fn]
    if (!waiting) return undefined
    waiting.sent--
    waiting.lastUsed = performance.now()
    return waiting
  }

  #answered(pending: Pending, outcome: Answer['outcome'], runMs: number, keptMs?: number): void {
    const waiting = this.#left(pending)
    waiting?.took(runMs, outcome, keptMs)
    if (outcome instanceof GatewayError) {
      pending.reject(outcome)
      return
    }
    pending.resolve(outcome)
  }

  #reported(report: Report): void {
    if (report.kind === 'line') {
      const { callId, level, message } = report
      const name = versioned(this.#functions[report.fn]?.spec ?? { name: '' })
      this.#options.log({ function: name, callId, level, message })
      return
    }
    if (report.kind === 'denied') {
      const waiting = this.#functions[report.fn]
      waiting?.count(report.times)
      const name = versioned(waiting?.spec ?? { name: '' })
      if (report.lack) this.#options.denied?.({ function: name, callId: report.callId, ...report.lack })
      return
    }
    this.#places.reported(report)
    this.#schedule()
  }

  #putBack(calls: readonly Pending[]): void {
    for (const [fn, waiting] of this.#functions.entries()) {
      const own = calls.filter((pending) => pending.fn === fn)
      waiting.sent -= own.length
      waiting.putBack(own)
    }
    this.#schedule()
  }

  /** Ends a worker in the middle of a call: that call gets the error, its other calls run again elsewhere. */
  #replace(worker: PoolWorker, error: GatewayError): void {
    if (!this.#workers.includes(worker)) return
    worker.salvage()
    const preparing = worker.running()?.preparing
    const { running, others } = worker.abandon()
    // A call that could not begin because its instance did not come about fails: it must not do so for ever.
    const failed = running ?? others.find(({ fn }) => fn === preparing)
    this.#putBack(others.filter((pending) => pending !== failed))
    const keptMs = performance.now() - worker.seen.at
    if (failed) this.#answered(failed, error, keptMs, keptMs)
    this.#end(worker)
    if (this.#workers.length <= this.#options.workers) {
      if (worker.ready) this.#start()
      // One that never came up would do the same again at once, and for ever.
      else this.#later = setTimeout(() => this.#start(), RESTART_MS).unref()
    }
    this.#places.lost(worker, error)
  }

  #end(worker: PoolWorker): void {
    this.#workers.splice(this.#workers.indexOf(worker), 1)
    const gone = worker.end().finally(() => this.#ending.delete(gone))
    this.#ending.add(gone)
  }

  #died(worker: PoolWorker, cause: Error): void {
    const running = worker.running()?.pending?.call.function ?? 'a function'
    const full = 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY'
    const what = `${running} (function): running: ${full ? 'out of memory: it made its host use more than a worker has' : `its worker ended: ${cause.message}`}`
    this.#replace(
      worker,
      new GatewayError(full ? 'FUNCTION_OUT_OF_MEMORY' : 'FUNCTION_TRAPPED', what, { cause, fingerprint: 'worker' }),
    )
  }
}

const stopping = (name: string): GatewayError =>
  new GatewayError('STOPPING', `${name} (function): running a call: the pool is stopping`)
