/** Drives one sink against one downstream. */

import assert from 'node:assert/strict'
import { type CloudEvent, type Connector, type Context, type Sink, toGatewayError } from '#connector'
import { MemoryLog, memoryContext } from './context.ts'

/** How a downstream says no: for good, for now, or until a time from now. */
export type Refusal = 'reject' | 'retry' | { readonly retryAfterMs: number }

/** What arrived downstream, as whoever is there reads it. */
export interface Arrival {
  /** By the rules of the protocol's CloudEvents binding. */
  readonly event: CloudEvent
  /** What tells a redelivery from another event. */
  readonly key: string | undefined
}

/** One isolated downstream, that a test tells how to behave. Made fresh for each test. */
export interface Downstream extends AsyncDisposable {
  /** Configuration that points the sink at this downstream, before the schema has read it. */
  readonly config: unknown
  /** Texts of the configuration that nobody else may read. A refusal repeats them, where the protocol lets it. */
  readonly secrets: readonly string[]
  /** Parts of the context that this sink delivers to. */
  readonly context?: Partial<Context>
  /** All that arrived, in order: what was refused or is not answered yet as well. */
  arrived(): readonly Arrival[]
  /** From now on, events for which this is true get no answer before `release`. */
  hold(which: (event: CloudEvent) => boolean): void
  /** Answers what was held. */
  release(): void
  /** From now on, events are refused as this says; undefined is yes. */
  refuse(how: (event: CloudEvent) => Refusal | undefined): void
  /** Nobody is there from now on. Without it, K8 must be exempt. */
  leave?(): Promise<void>
  /** Somebody is there again. */
  comeBack?(): Promise<void>
  /** Connections that the sink has open. */
  connections(): number
}

export interface SinkBenchOptions {
  readonly connector: Connector
  open(): Promise<Downstream>
  readonly deadlineMs?: number
}

/** How a delivery ended. */
export type Ended = { readonly done: true } | { readonly done: false; readonly error: unknown }

export class SinkBench implements AsyncDisposable {
  readonly downstream: Downstream
  readonly log = new MemoryLog()
  readonly context: Context
  readonly sink: Sink
  readonly #options: SinkBenchOptions

  private constructor(options: SinkBenchOptions, downstream: Downstream) {
    const spec = options.connector.sink
    assert.ok(spec)
    this.#options = options
    this.downstream = downstream
    this.context = memoryContext({ log: this.log, ...downstream.context })
    this.sink = spec.create(spec.config.parse(downstream.config), this.context)
  }

  static async open(options: SinkBenchOptions): Promise<SinkBench> {
    return new SinkBench(options, await options.open())
  }

  start(): Promise<void> {
    return this.sink.start(AbortSignal.timeout(this.deadlineMs))
  }

  get deadlineMs(): number {
    return this.#options.deadlineMs ?? 10_000
  }

  /** Resolves with how the delivery ended; fails when it has not by the deadline. */
  delivered(event: CloudEvent, signal?: AbortSignal): Promise<Ended> {
    return this.within(this.ends(event, signal), `the end of the delivery of "${event.id}"`)
  }

  /** How the delivery ends, however long that takes. */
  ends(event: CloudEvent, signal = new AbortController().signal): Promise<Ended> {
    return this.sink.deliver(event, signal).then(
      () => ({ done: true }) as const,
      (error: unknown) => ({ done: false, error }) as const,
    )
  }

  /** Delivers, and fails unless that is done. */
  async deliver(event: CloudEvent): Promise<void> {
    const ended = await this.delivered(event)
    if (!ended.done) assert.fail(`"${event.id}" was not delivered: ${ended.error}`)
  }

  /** Delivers, and fails unless that is refused. Returns the error. */
  async refused(event: CloudEvent, signal?: AbortSignal): Promise<ReturnType<typeof toGatewayError>> {
    const ended = await this.delivered(event, signal)
    return ended.done ? assert.fail(`"${event.id}" was delivered`) : toGatewayError(ended.error)
  }

  arrivals(count: number): Promise<void> {
    return this.eventually(() => this.downstream.arrived().length >= count, `${count} arrivals`)
  }

  /** Resolves when nothing arrived for a while: how the absence of something is awaited. */
  async quiet(ms = 60): Promise<void> {
    let seen = -1
    while (seen !== this.downstream.arrived().length) {
      seen = this.downstream.arrived().length
      await pause(ms)
    }
  }

  async eventually(check: () => boolean, what: string, seen?: () => string): Promise<void> {
    const deadline = performance.now() + this.deadlineMs
    while (!check()) {
      if (performance.now() > deadline) assert.fail(`never happened: ${what}${seen ? `: ${seen()}` : ''}`)
      await pause(5)
    }
  }

  async within<T>(promise: Promise<T>, what: string): Promise<T> {
    let settled = false
    const done = () => {
      settled = true
    }
    promise.then(done, done)
    await this.eventually(() => settled, what)
    return promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.downstream.release()
    // A sink whose stop does not end is caught by K7, and must not keep the other tests.
    const enough = Promise.withResolvers<void>()
    const timer = setTimeout(enough.resolve, 500)
    await Promise.race([this.sink.stop(), enough.promise]).catch(() => {})
    clearTimeout(timer)
    await this.downstream[Symbol.asyncDispose]()
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
