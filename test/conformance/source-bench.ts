/** Drives one source against one upstream and plays the gateway's side of `emit`. */

import assert from 'node:assert/strict'
import type { CloudEvent, Connector, Context, Emit, Source } from '#connector'
import { MemoryCredit, memoryContext } from './context.ts'

/** What became of one message, as its sender sees it: upstream or the source took it, or the sender was told no. */
export type SendAnswer = 'accepted' | 'refused'

export interface Sample {
  readonly subject: string
  readonly data: Uint8Array
}

/** One isolated upstream: its own topic, queue, table or port. Made fresh for each test. */
export interface Upstream extends AsyncDisposable {
  /** Configuration that points the source at this upstream, before the schema has read it. */
  readonly config: unknown
  /** Parts of the context that this source needs for real, such as a broker with sockets or a clock. */
  readonly context?: Partial<Context>
  /** Sends messages in order. Resolves, to an answer for each, when each one has its answer. May reject once stopped. */
  send(messages: readonly Sample[]): Promise<readonly SendAnswer[]>
  /** How many of the messages sent are not acknowledged: still held by upstream, or their sender without an answer. */
  unacknowledged(): Promise<number>
  /** Cuts every connection, as a network fault would. Without it, S8 must be exempt. */
  interrupt?(): Promise<void>
}

/** What the bench lends to an upstream that is part of the gateway itself, such as the broker. */
export interface Lent {
  readonly credit: MemoryCredit
}

export interface EmitOptions {
  /** Emits resolve only after `release`. */
  readonly hold?: boolean
  /** How many emits reject before the first resolves. */
  readonly rejectFirst?: number
  /** What those reject with; an unknown error unless told. */
  readonly error?: Error
  readonly delayMs?: () => number
}

export interface BenchOptions {
  readonly connector: Connector
  open(lent: Lent): Promise<Upstream>
  readonly content?: (event: CloudEvent) => Uint8Array
  readonly deadlineMs?: number
}

const IN_FLIGHT = 8

export class Bench implements AsyncDisposable {
  readonly offered: CloudEvent[] = []
  /** How many of them the source said it had made of something else. */
  made = 0
  readonly rejected: CloudEvent[] = []
  inFlight = 0
  peakInFlight = 0
  readonly upstream: Upstream
  readonly credit: MemoryCredit
  readonly context: Context
  source: Source
  readonly #bench: BenchOptions
  readonly #accepted = new Map<string, CloudEvent>()
  #gate = Promise.withResolvers<void>()
  #options: EmitOptions = {}

  private constructor(bench: BenchOptions, upstream: Upstream, credit: MemoryCredit) {
    this.#bench = bench
    this.upstream = upstream
    this.credit = credit
    this.context = memoryContext({ maxInFlight: IN_FLIGHT, credit, ...upstream.context })
    this.source = this.create()
  }

  static async open(bench: BenchOptions): Promise<Bench> {
    const credit = new MemoryCredit()
    return new Bench(bench, await bench.open({ credit }), credit)
  }

  /** Makes another source for the same upstream, with the same context: what a restart of the gateway does. */
  create(config: unknown = this.upstream.config): Source {
    const spec = this.#bench.connector.source
    assert.ok(spec)
    return spec.create(spec.config.parse(config), this.context)
  }

  async start(options: EmitOptions = {}): Promise<void> {
    this.#options = options
    this.#gate = Promise.withResolvers<void>()
    if (!options.hold) this.#gate.resolve()
    await this.source.start(this.emit, AbortSignal.timeout(this.deadlineMs))
  }

  async restart(): Promise<void> {
    this.source = this.create()
    await this.start()
  }

  get deadlineMs(): number {
    return this.#bench.deadlineMs ?? 10_000
  }

  release = (): void => this.#gate.resolve()

  /** Sends without waiting for the answers; a sender that is cut off is no fault of the source. */
  sendAside(messages: readonly Sample[]): void {
    this.upstream.send(messages).catch(() => {})
  }

  offeredAtLeast = (count: number): Promise<void> =>
    this.eventually(async () => this.offered.length >= count, `${count} emits`)

  /** Resolves once events with as many different contents are accepted, to all that were. */
  async accepted(count: number): Promise<CloudEvent[]> {
    const contents = () => new Set([...this.#accepted.values()].map(this.text))
    await this.eventually(
      async () => contents().size >= count,
      `${count} messages accepted`,
      () => `${contents().size}`,
    )
    return [...this.#accepted.values()]
  }

  has = (event: CloudEvent): boolean => this.#accepted.has(identity(event))

  /** What an event carries of its message, as text. */
  text = (event: CloudEvent): string => decode(this.#bench.content?.(event) ?? event.data ?? new Uint8Array())

  /** Resolves when nothing was offered for a while: how the absence of something is awaited. */
  async quiet(ms = 60): Promise<void> {
    let seen = -1
    while (seen !== this.offered.length) {
      seen = this.offered.length
      await pause(ms)
    }
  }

  async eventually(check: () => Promise<boolean>, what: string, seen?: () => string): Promise<void> {
    const deadline = performance.now() + this.deadlineMs
    while (!(await check())) {
      if (performance.now() > deadline) assert.fail(`never happened: ${what}${seen ? `, only ${seen()}` : ''}`)
      await pause(5)
    }
  }

  /** Resolves with the promise, or fails when it has not settled by the deadline. */
  async within<T>(promise: Promise<T>, what: string): Promise<T> {
    let settled = false
    const done = () => {
      settled = true
    }
    promise.then(done, done)
    await this.eventually(async () => settled, what)
    return promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
    this.credit.open()
    await this.source.stop()
    await this.upstream[Symbol.asyncDispose]()
  }

  emit: Emit = async (event, offer) => {
    this.offered.push(event)
    if (offer?.made) this.made += 1
    this.peakInFlight = Math.max(this.peakInFlight, ++this.inFlight)
    try {
      await this.#gate.promise
      const delay = this.#options.delayMs?.()
      if (delay !== undefined) await pause(delay)
      if (this.rejected.length < (this.#options.rejectFirst ?? 0)) {
        this.rejected.push(event)
        throw this.#options.error ?? new Error('conformance: rejected on purpose')
      }
      const duplicate = this.has(event)
      if (!duplicate) this.#accepted.set(identity(event), event)
      return { callId: identity(event), duplicate, routes: ['conformance'] }
    } finally {
      this.inFlight -= 1
    }
  }
}

export const identity = (event: CloudEvent): string => `${event.source} ${event.id}`
/** One character for each byte, so that different bytes are different texts. */
export const decode = (data: Uint8Array): string => Buffer.from(data).toString('latin1')
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
