/** Where a lane sends its deliveries: a function in the pool, or a sink. */

import { setTimeout as wait } from 'node:timers/promises'
import type { Sink } from '../connector/connector.ts'
import { Deadline } from '../connector/deadline.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import { type CloudEvent, type EventDraft, expandTemplate, type Origin } from '../event/index.ts'
import type { Answer } from '../journal/journal.ts'
import type { Call, FunctionPool, ItemOutcome, Result, Spent } from '../pool/pool.ts'
import { type Versioned, versioned } from '../schema/index.ts'

/** One attempt, as a target sees it. */
export interface Work {
  readonly event: CloudEvent
  /** The event encoded, where that is at hand. */
  readonly draft?: EventDraft | undefined
  readonly callId: string
  /** 1 on the first. */
  readonly attempt: number
  /** Milliseconds since the epoch: the attempt ends then, one way or the other. */
  readonly deadline: number
  /** What becomes known of the attempt on its way is entered here. */
  readonly spent?: Spent
}

/** An event that came of the work and goes back to match. */
export interface Child {
  readonly event: CloudEvent
  readonly origin: Origin
}

export interface Handled {
  /** Present when the target answers calls. */
  readonly answer?: Answer
  readonly children: readonly Child[]
  /** What became of each event of a batch, in their order, when the function says so. */
  readonly items?: readonly ItemOutcome[]
  /** Milliseconds inside the function; absent for sinks. */
  readonly runMs?: number
  readonly cold?: boolean
}

export interface Target {
  /** Whether its outcome is an answer to the caller when a call goes to several targets. */
  readonly answers: boolean
  /** Resolves once the work is done; rejects with the GatewayError of the attempt, or with the signal's reason. */
  handle(work: Work, signal: AbortSignal): Promise<Handled>
}

const NONE: readonly Child[] = []
const DONE: Handled = { children: NONE }

/** A target that runs a function. Waits while the pool is full instead of using up an attempt. */
export class FunctionTarget implements Target {
  readonly answers = true
  readonly #pool: Pick<FunctionPool, 'invoke'>
  readonly #name: string
  /** With its version. */
  readonly #function: string
  readonly #patient: boolean

  /** `patient` waits for room in the pool; without it a full pool is an error for the caller to hear. */
  constructor(pool: Pick<FunctionPool, 'invoke'>, of: Versioned, patient: boolean) {
    this.#pool = pool
    this.#name = of.name
    this.#function = versioned(of)
    this.#patient = patient
  }

  handle(work: Work, signal: AbortSignal): Promise<Handled> {
    const call = { ...work, function: this.#function }
    return this.#pool.invoke(call, signal).then(this.#handled, (thrown: unknown) => this.#refused(thrown, call, signal))
  }

  /** Makes the call again, as long as it may wait, while the pool is full. */
  async #refused(thrown: unknown, call: Call, signal: AbortSignal): Promise<Handled> {
    for (let error = toGatewayError(thrown); ; ) {
      if (!this.#patient || error.code !== 'OVERLOADED' || Date.now() >= call.deadline) throw error
      await wait(Math.min(error.retryAfterMs ?? 10, call.deadline - Date.now()), undefined, { signal })
      try {
        return this.#handled(await this.#pool.invoke(call, signal))
      } catch (again) {
        error = toGatewayError(again)
      }
    }
  }

  readonly #handled = ({ cold, events, items, reply, runMs }: Result): Handled => {
    const children =
      events.length === 0
        ? NONE
        : events.map((event) => ({ event, origin: { source: 'function', address: this.#name } }))
    const handled = { answer: reply ?? {}, children, runMs, cold }
    return items === undefined ? handled : { ...handled, items }
  }
}

/** A target that hands the event to a sink. A topic that routes take is also an origin: the event goes back to match. */
export class SinkTarget implements Target {
  readonly answers = false
  readonly #name: string
  readonly #sink: Sink
  readonly #topic: string | undefined

  constructor(name: string, sink: Sink, topic?: string) {
    this.#name = name
    this.#sink = sink
    this.#topic = topic
  }

  async handle(work: Work, signal: AbortSignal): Promise<Handled> {
    const limit = Math.max(0, work.deadline - Date.now())
    const deadline = new Deadline(limit, signal)
    try {
      await this.#sink.deliver(work.event, deadline.signal)
    } catch (thrown) {
      if (!deadline.passed) throw thrown
      throw new GatewayError(
        'SINK_UNAVAILABLE',
        `${this.#name} (sink): delivering "${work.event.id}": no answer within ${limit} ms`,
        {
          cause: thrown,
          type: 'TimeoutError',
        },
      )
    } finally {
      deadline.end()
    }
    if (this.#topic === undefined) return DONE
    const address = expandTemplate(this.#topic, work.event)
    return { children: [{ event: work.event, origin: { source: 'mqtt', address } }] }
  }
}
