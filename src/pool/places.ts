/** Which worker may run which function: keeps `min` instances warm, never more than `max`, and lets idle ones go. */

import { GatewayError } from '../errors.ts'
import { Hints } from './hints.ts'
import { EXTRA } from './limits.ts'
import type { Report } from './protocol.ts'
import type { WaitingFunction } from './waiting.ts'
import type { PoolWorker } from './worker.ts'

export interface Lanes {
  /** For calls that take little time; a spare is among them when one of the others is held up. */
  readonly workers: readonly PoolWorker[]
  /** Those beyond: they run only what can run nowhere else. */
  readonly spares: readonly PoolWorker[]
  /** For the calls of functions that run apart. */
  readonly apart: readonly PoolWorker[]
}

const IDLE_CHECK_MS = { least: 20, most: 1_000 } as const

export class Places {
  readonly #functions: readonly WaitingFunction[]
  readonly #workers: readonly PoolWorker[]
  /** Workers that run calls when none is held up; the rest are spares. */
  readonly #active: number
  readonly #waiters: { fn: number; resolve: () => void; reject: (error: unknown) => void }[] = []
  readonly #problems = new Map<number, GatewayError>()
  /** By function, of those that have any. */
  readonly #hints = new Map<number, Hints>()
  readonly #now: () => number
  readonly #begun: () => void
  readonly #timer: NodeJS.Timeout

  /** `now` is the clock that hints go by, in milliseconds since the epoch; `begun` is told that a worker has something to do. */
  constructor(
    functions: readonly WaitingFunction[],
    workers: readonly PoolWorker[],
    active: number,
    now: () => number,
    begun: () => void,
  ) {
    this.#functions = functions
    this.#workers = workers
    this.#active = active
    this.#now = now
    this.#begun = begun
    for (const [fn, { spec }] of functions.entries())
      if (spec.warm) this.#hints.set(fn, new Hints(spec.warm, spec.idleMs))
    this.#heed()
    const shortest = Math.min(IDLE_CHECK_MS.most, ...functions.map(({ spec }) => spec.idleMs / 2))
    this.#timer = setInterval(() => this.#look(), Math.max(IDLE_CHECK_MS.least, shortest))
    this.#timer.unref()
  }

  /** Who takes calls now: those that no long call holds up, the one with least to do first. */
  lanes(): Lanes {
    const free = this.#workers.filter((worker) => worker.ready && !worker.held)
    const slow = this.#functions.flatMap(({ apart }, fn) => (apart ? [fn] : []))
    const clear = slow.length === 0 ? free : free.filter((worker) => slow.every((fn) => worker.sent(fn) === 0))
    const swift = clear.length > 0 ? clear : free
    return {
      workers: swift.slice(0, this.#active).sort((left, right) => right.free - left.free),
      spares: swift.slice(this.#active),
      // Never the first, whatever else is held up: the others go on there.
      apart: free.slice(1).reverse(),
    }
  }

  /** Whether calls wait that would run apart, and every worker but one is held up by calls of others. */
  get crowded(): boolean {
    if (this.#workers.length > this.#active + EXTRA.workers || this.#workers.some(({ ready }) => !ready)) return false
    if (this.#workers.filter((worker) => !worker.held).length !== 1) return false
    return this.#functions.some(
      ({ apart, length }, fn) => apart && length > 0 && !this.rests(fn) && this.#heldBy(fn) < this.#active,
    )
  }

  /** One of the workers beyond the spare that is not used any more. */
  get surplus(): PoolWorker | undefined {
    const now = performance.now()
    return this.#workers.slice(this.#active + 1).find(({ busy, used }) => !busy && now - used > EXTRA.idleMs)
  }

  /** Whether nothing of a function is to begin now, so that others have the machine to themselves. */
  rests(fn: number): boolean {
    if (!this.#functions[fn]?.resting) return false
    return this.#functions.some((other, at) => at !== fn && other.active)
  }

  /** Whether calls of a function wait that this worker may run. */
  has(fn: number, worker: PoolWorker, spare: boolean): boolean {
    const waiting = this.#functions[fn]
    if (!waiting || waiting.length === 0 || waiting.suspends) return false
    // One function that runs long never takes the last worker: the others go on there.
    if (this.#heldBy(fn) >= this.#active || this.#fills(fn, worker)) return false
    const here = (worker.instances[fn] ?? 0) > 0 || worker.sent(fn) > 0
    // A spare that once helped out may have the only instance there may be.
    if (spare) return here && this.#taken(fn) >= waiting.spec.max
    return here || this.#taken(fn) < waiting.spec.max
  }

  /** Where one more call of a function that may wait can run now: each has an instance to itself. */
  seat(fn: number): PoolWorker | undefined {
    const room = this.#taken(fn) < (this.#functions[fn]?.spec.max ?? 0)
    const idle = (worker: PoolWorker) => (worker.instances[fn] ?? 0) > worker.sent(fn)
    const { apart, spares, workers } = this.lanes()
    const own = this.#functions[fn]?.apart
      ? apart
      : [...workers, ...spares.filter((worker) => worker.instances[fn] ?? 0)]
    return own
      .filter((worker) => worker.seats > 0 && (room || idle(worker)) && !this.#fills(fn, worker))
      .sort((left, right) => Number(idle(right)) - Number(idle(left)) || left.sent(fn) - right.sent(fn))[0]
  }

  /** Lets an instance go that may not be called where it is, when there may be no other where calls of it may run. */
  makeRoom(fn: number): void {
    const { length = 0, spec } = this.#functions[fn] ?? {}
    if (length === 0 || this.#taken(fn) < (spec?.max ?? 0)) return
    const apart = this.lanes().apart
    if (apart.length === 0 || apart.some((worker) => (worker.instances[fn] ?? 0) > 0)) return
    const holder = this.#workers.find(
      (worker) => worker.instances[fn] && worker.sent(fn) === 0 && worker.holds.length === 0,
    )
    holder?.hold({ fn, count: 0, warm: false })
  }

  instances(fn: number): number {
    return this.#workers.reduce((sum, worker) => sum + (worker.instances[fn] ?? 0), 0)
  }

  /** Resolves when as many instances are there as are to be warm. Rejects with why they cannot be. */
  async warm(fn: number): Promise<void> {
    const problem = this.#problems.get(fn)
    if (problem) throw problem
    if (this.#isWarm(fn)) return
    return new Promise((resolve, reject) => this.#waiters.push({ fn, resolve, reject }))
  }

  reported(report: Exclude<Report, { kind: 'line' | 'denied' }>): void {
    if (report.kind === 'ready') this.#provision()
    if (report.kind === 'held') this.#held(report)
    this.#settle()
    if (report.kind === 'held' && !this.#functions.some(({ active }) => active)) this.#acquaint()
  }

  /** A worker is gone, and what it held with it. */
  lost(worker: PoolWorker, error: GatewayError): void {
    const fn = worker.running()?.preparing
    const waiting = fn === undefined ? undefined : this.#functions[fn]
    if (fn !== undefined && waiting) {
      waiting.warmable = false
      if (waiting.least > 0) this.#problems.set(fn, error)
      this.#settle()
    }
    this.#provision()
  }

  stop(): void {
    clearInterval(this.#timer)
    const error = new GatewayError('STOPPING', 'functions (pool): making instances: the pool is stopping')
    for (const { reject } of this.#waiters.splice(0)) reject(error)
  }

  #held({ fn, fault }: Extract<Report, { kind: 'held' }>): void {
    // Of one that nobody waits for the first call tells.
    if (!fault || this.#functions[fn]?.least === 0) {
      this.#problems.delete(fn)
      return
    }
    const { code, message, ...options } = fault
    this.#problems.set(fn, new GatewayError(code, message, options))
  }

  #settle(): void {
    for (const waiter of this.#waiters.splice(0)) {
      const problem = this.#problems.get(waiter.fn)
      if (problem) waiter.reject(problem)
      else if (this.#isWarm(waiter.fn)) waiter.resolve()
      else this.#waiters.push(waiter)
    }
  }

  /** Spreads the instances of every function that are to be warm over the workers that serve, and has the spares know its code. */
  #provision(): void {
    for (const [index, worker] of this.#workers.entries()) {
      if (!worker.ready || index > this.#active) continue
      for (const [fn, { apart, least, warmable }] of this.#functions.entries()) {
        if (apart) continue
        const count = index < this.#active ? share(least, index, this.#active) : 0
        const asked = worker.holds.findLast((hold) => hold.fn === fn)?.count ?? worker.instances[fn] ?? 0
        const unknown = least > 0 && warmable && !worker.knows.has(fn)
        if (asked < count || unknown) worker.hold({ fn, count: Math.max(count, asked), warm: warmable })
      }
    }
    this.#settle()
  }

  #look(): void {
    if (this.#heed()) this.#provision()
    this.#shrink()
    this.#acquaint()
  }

  /**
   * Has a worker that has nothing to do call a function once that it does not know: its first call there finds the code
   * compiled, and is over in a third of the time. One after another, and one a look while calls come in: nobody is to wait.
   */
  #acquaint(): void {
    if (this.#workers.some(({ holds, ready }) => !ready || holds.length > 0)) return
    for (const worker of this.#workers.slice(0, this.#active + 1)) {
      if (worker.busy) continue
      const fn = this.#functions.findIndex(({ apart, warmable }, at) => !apart && warmable && !worker.knows.has(at))
      if (fn < 0) continue
      worker.hold({ fn, count: worker.instances[fn] ?? 0, warm: true })
      this.#begun()
      return
    }
  }

  /** Reads what hints ask for now. True when that is more than before. */
  #heed(): boolean {
    let more = false
    for (const [fn, hints] of this.#hints) {
      const waiting = this.#functions[fn]
      if (!waiting) continue
      const least = Math.max(waiting.spec.min, hints.wanted(this.#now()))
      more ||= least > waiting.least
      waiting.least = least
    }
    return more
  }

  #shrink(): void {
    const now = performance.now()
    for (const [fn, { spec, least, lastUsed, sent, length }] of this.#functions.entries()) {
      if (sent + length > 0 || now - lastUsed < spec.idleMs || this.instances(fn) <= least) continue
      for (const [index, worker] of this.#workers.entries()) {
        const count = index < this.#active ? share(least, index, this.#active) : 0
        if ((worker.instances[fn] ?? 0) > count && worker.holds.length === 0) worker.hold({ fn, count, warm: false })
      }
    }
  }

  #isWarm(fn: number): boolean {
    if (!this.#workers.some(({ ready }) => ready)) return false
    const { apart = false, least = 0 } = this.#functions[fn] ?? {}
    if (least === 0) return true
    if (this.#workers.some(({ holds }) => holds.some((hold) => hold.fn === fn))) return false
    // One that runs apart is not kept warm: it is made when it is called, and nobody waits for that.
    return apart || this.instances(fn) >= least
  }

  /** Instances that there are or that calls on their way will make. */
  #taken(fn: number): number {
    return this.#workers.reduce((sum, worker) => {
      const coming = worker.sent(fn) > 0 || worker.running()?.preparing === fn
      const most = this.#functions[fn]?.suspends ? worker.sent(fn) : 1
      return sum + Math.max(worker.instances[fn] ?? 0, coming ? most : 0)
    }, 0)
  }

  /** Whether one that runs apart has all the workers that it may take: the machine has a core for each of those, and no more. */
  #fills(fn: number, worker: PoolWorker): boolean {
    if (!this.#functions[fn]?.apart || worker.sent(fn) > 0) return false
    return this.#workers.filter((other) => other.sent(fn) > 0).length >= this.#active
  }

  #heldBy(fn: number): number {
    return this.#workers.filter((worker) => worker.held && worker.running()?.pending?.fn === fn).length
  }
}

const share = (total: number, index: number, of: number): number =>
  Math.floor(total / of) + (index < total % of ? 1 : 0)
