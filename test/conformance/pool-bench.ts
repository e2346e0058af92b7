/** Drives one pool for the pool suite: opens it, makes calls, and tells what became of them. */

import assert from 'node:assert/strict'
import type { GatewayError } from '../../src/errors.ts'
import type { CloudEvent } from '../../src/event/event.ts'
import type { Call, FunctionLog, FunctionPool, FunctionSpec, Result } from '../../src/pool/pool.ts'

/** A function of the suite; the implementation's harness puts a guest behind it. */
export type PoolFunction = Omit<FunctionSpec, 'wasm' | 'memoryBytes' | 'env'>

export interface PoolOpenOptions {
  readonly functions: readonly PoolFunction[]
  /** Calls of one function that may wait. */
  readonly queue: number
  readonly log: FunctionLog
}

/**
 * Opens a pool in which every function does what the type of its event says, and `subject` how much of it:
 * `echo` replies the data with its content type and status 201; `calls` replies how many calls its instance had;
 * `context` replies `callId function version attempt true false parameters`; `events` emits so many, with the ids 0, 1,
 * ...; `retry` asks for another attempt after so many milliseconds; `reject` refuses with kind validation, code
 * BAD_ORDER; `trap` traps; `loop` never ends; `spin` is busy for so many milliseconds; `print` writes "to stdout",
 * "to stderr" and, as debug, "to the log". Any other type replies nothing.
 */
export interface PoolHarness {
  open(options: PoolOpenOptions): Promise<FunctionPool>
  /** How long a condition may take to come true; 10,000 when absent. */
  readonly deadlineMs?: number
}

export const functionOf = (name: string, overrides: Partial<PoolFunction> = {}): PoolFunction => ({
  name,
  min: 1,
  max: 2,
  idleMs: 60_000,
  timeoutMs: 30_000,
  ...overrides,
})

const NEVER = new AbortController().signal

export class PoolBench implements AsyncDisposable {
  readonly pool: FunctionPool
  readonly lines: Parameters<FunctionLog>[0][]
  readonly #deadlineMs: number
  #calls = 0

  private constructor(pool: FunctionPool, lines: Parameters<FunctionLog>[0][], deadlineMs: number) {
    this.pool = pool
    this.lines = lines
    this.#deadlineMs = deadlineMs
  }

  static async open(harness: PoolHarness, options: Partial<PoolOpenOptions> = {}): Promise<PoolBench> {
    const lines: Parameters<FunctionLog>[0][] = []
    const functions = options.functions ?? [functionOf('f')]
    const pool = await harness.open({ queue: 100, ...options, functions, log: (line) => lines.push(line) })
    await Promise.all(functions.map(({ name }) => pool.ready(name)))
    return new PoolBench(pool, lines, harness.deadlineMs ?? 10_000)
  }

  /** Calls a function with an event of this type. */
  call(
    name: string,
    type: string,
    rest: Partial<Call> & { subject?: string; signal?: AbortSignal } = {},
  ): Promise<Result> {
    const { subject = '', signal = NEVER, ...own } = rest
    const event: CloudEvent = { specversion: '1.0', id: `event-${++this.#calls}`, source: '/suite', type, subject }
    const call = {
      function: name,
      event,
      callId: `call-${this.#calls}`,
      attempt: 1,
      deadline: Date.now() + 60_000,
      ...own,
    }
    return this.pool.invoke(call, signal)
  }

  /** The error a call ends with. */
  async failure(call: Promise<Result>): Promise<GatewayError> {
    const outcome = await this.within(
      call.then(
        () => undefined,
        (error: GatewayError) => error,
      ),
    )
    assert.ok(outcome, 'the call resolved')
    return outcome
  }

  /** Resolves with the promise, or fails at the deadline. */
  async within<T>(promise: PromiseLike<T>): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => reject(new assert.AssertionError({ message: 'nothing came of it in time' })),
      this.#deadlineMs,
    )
    return Promise.race([promise, late]).finally(() => clearTimeout(timer))
  }

  /** Resolves once the condition holds, or fails at the deadline. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const end = Date.now() + this.#deadlineMs
    while (!condition()) {
      assert.ok(Date.now() < end, `never: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  instances(name: string): number {
    return this.pool.stats().find((stats) => stats.function === name)?.instances ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool[Symbol.asyncDispose]()
  }
}

/** The reply of a result as text. */
export const replyText = (result: Result): string => Buffer.from(result.reply?.data ?? []).toString()
