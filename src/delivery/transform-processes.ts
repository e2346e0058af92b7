/** Evaluates transforms in processes of their own, which begin with the first and end with one that runs for too long. */

import { toGatewayError } from '../errors.ts'
import { assemble, type CloudEvent, validateEvent } from '../event/index.ts'
import type { Answer } from '../journal/journal.ts'
import type { Evaluation, Transformer } from './transform.ts'
import type { Asked } from './transform-child.ts'
import type { MadeBody, MadeEvent } from './transform-forms.ts'
import { failure, type Job, stopping } from './transform-job.ts'
import { type SeatLimits, TransformSeat } from './transform-seat.ts'

export interface TransformOptions extends Partial<SeatLimits> {
  /** The largest result, in bytes; one may always be as large as what it is made of. */
  readonly maxBytes: number
}

/** An event of a mebibyte takes some 30 MiB once it is parsed. */
const LIMITS: SeatLimits = { runMs: 1_000, heapMb: 192 }
const PROCESSES = 2

export class TransformProcesses implements Transformer {
  readonly #options: TransformOptions
  readonly #seats = new Set<TransformSeat>()
  /** By expression, in turns: one that hangs holds up itself, and no other for longer than one of its runs. */
  readonly #waiting = new Map<string, Job[]>()
  #closed = false

  constructor(options: TransformOptions) {
    this.#options = options
  }

  async event(event: CloudEvent, evaluation: Evaluation, signal: AbortSignal): Promise<CloudEvent> {
    const made = await this.#evaluate(event, undefined, evaluation, signal)
    const attributes: Readonly<Record<string, unknown>> = 'attributes' in made ? JSON.parse(made.attributes) : {}
    const { data, extensions, ...rest } = event
    const type = made.datacontenttype === undefined ? {} : { datacontenttype: made.datacontenttype }
    const named = Object.entries({ ...rest, ...extensions, ...type, ...attributes })
    const next = assemble(named, undefined, made.kept ? data : made.data)
    const problems = validateEvent(next)
    if (problems.length === 0) return next
    throw failure({ message: problems.join('; ') }, evaluation.doing)
  }

  async reply(answer: Answer, event: CloudEvent, evaluation: Evaluation, signal: AbortSignal): Promise<Answer> {
    const { data, datacontenttype, kept } = await this.#evaluate(event, answer, evaluation, signal)
    if (kept) return answer
    const { status } = answer
    return {
      ...(data === undefined ? {} : { data }),
      ...(datacontenttype === undefined ? {} : { datacontenttype }),
      ...(status === undefined ? {} : { status }),
    }
  }

  /** Ends the processes; whatever waits for one is refused. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    for (const jobs of this.#waiting.values()) for (const { doing, reject } of jobs) reject(stopping(doing))
    this.#waiting.clear()
    await Promise.all(Array.from(this.#seats, (seat) => seat.end()))
  }

  #evaluate(
    event: CloudEvent,
    answer: Answer | undefined,
    { doing, expression, now, patienceMs }: Evaluation,
    signal: AbortSignal,
  ): Promise<MadeBody | MadeEvent> {
    signal.throwIfAborted()
    if (this.#closed) throw stopping(doing)
    const { promise, reject, resolve } = Promise.withResolvers<MadeBody | MadeEvent>()
    const given = (event.data?.length ?? 0) + (answer?.data?.length ?? 0)
    const maxBytes = Math.max(this.#options.maxBytes, given)
    const asked: Asked = { expression, event, now, maxBytes, ...(answer && { reply: answer }) }
    const job: Job = { asked, doing, until: performance.now() + patienceMs, resolve, reject }
    const jobs = this.#waiting.get(expression)
    if (jobs) jobs.push(job)
    else this.#waiting.set(expression, [job])
    const leave = (): void => {
      this.#withdraw(job)
      reject(signal.reason)
    }
    signal.addEventListener('abort', leave, { once: true })
    this.#go()
    return promise.finally(() => signal.removeEventListener('abort', leave))
  }

  /** Gives a process to each that waits, as long as there is one. */
  #go(): void {
    while (!this.#closed && this.#waiting.size > 0) {
      let seat: TransformSeat | undefined
      try {
        seat = this.#freeSeat()
      } catch (error) {
        // The machine has no memory for another process.
        this.#next()?.reject(toGatewayError(error))
        continue
      }
      if (seat === undefined) return
      const job = this.#next()
      if (job) seat.run(job)
    }
  }

  #freeSeat(): TransformSeat | undefined {
    for (const seat of this.#seats) if (!seat.busy) return seat
    if (this.#seats.size >= PROCESSES) return undefined
    const seat = new TransformSeat({ ...LIMITS, ...this.#options }, () => {
      if (seat.ended) this.#seats.delete(seat)
      this.#go()
    })
    this.#seats.add(seat)
    return seat
  }

  /** The first of the expression whose turn it is, and the turn goes to the next. */
  #next(): Job | undefined {
    for (const [expression, jobs] of this.#waiting) {
      this.#waiting.delete(expression)
      const job = jobs.shift()
      if (jobs.length > 0) this.#waiting.set(expression, jobs)
      if (job === undefined) continue
      if (performance.now() <= job.until) return job
      job.reject(failure({ message: 'no process came free in time', late: true }, job.doing))
    }
    return undefined
  }

  #withdraw(job: Job): void {
    const { expression } = job.asked
    const left = this.#waiting.get(expression)?.filter((other) => other !== job) ?? []
    if (left.length > 0) this.#waiting.set(expression, left)
    else this.#waiting.delete(expression)
  }
}
