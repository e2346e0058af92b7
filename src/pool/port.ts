/** The way out of one guest: what it asks of the gateway, and how it waits while others run. */

import type { Asked, Left, Question, Questions, Told } from './asking.ts'
import type { Control } from './control.ts'
import { HostError } from './host.ts'
import { unwinding } from './unwind.ts'
import { holding, lifting } from './wasi/budget.ts'
import { LIVE, type Senses } from './wasi/senses.ts'

/** The end of the channel in a worker, for all guests there. */
export class Line {
  readonly control: Control
  readonly #post: (message: Asked | Left) => void
  readonly #open = new Map<number, PromiseWithResolvers<Told['answer']>>()
  #last = 0

  constructor(control: Control, post: (message: Asked | Left) => void) {
    this.control = control
    this.#post = post
  }

  /** Resolves with the answer; rejects with a HostError. */
  async ask<Q extends Question>(
    slot: number,
    callId: string,
    what: Q,
    ask: Questions[Q]['ask'],
  ): Promise<Questions[Q]['answer']> {
    const id = ++this.#last
    const answer = Promise.withResolvers<Told['answer']>()
    this.#open.set(id, answer)
    this.#post({ kind: 'asked', slot, callId, id, what, ask })
    return (await answer.promise) as Questions[Q]['answer']
  }

  /** A call does not begin: it was taken back. */
  left(slot: number): void {
    this.#post({ kind: 'left', slot })
  }

  told({ id, answer, problem }: Told): void {
    const open = this.#open.get(id)
    this.#open.delete(id)
    if (problem) open?.reject(new HostError(problem.kind, problem.message, problem))
    else open?.resolve(answer)
  }
}

/** A call that a guest runs, as far as its host needs to name it. */
interface Turn {
  readonly slot: number
  readonly callId: string
}

export class Port {
  readonly #line: Line
  readonly #senses: Senses
  #turn: Turn | undefined
  #dropped = false
  /** Ends what the guest waits for. */
  #giveUp: ((reason: undefined) => void) | undefined
  readonly #timers = new Set<NodeJS.Timeout>()
  /** Resolves when a warm-up call would wait, which it does not: what jco makes of a trap there never comes to an end. */
  readonly stuck = Promise.withResolvers<void>()
  /** Requests that the call has sent. */
  requests = 0

  constructor(line: Line, senses: Senses = LIVE) {
    this.#line = line
    this.#senses = senses
  }

  /** A call begins; without one, as in a warm-up, nothing is reached. */
  open(turn: Turn): void {
    this.#turn = turn
    this.requests = 0
  }

  close(): void {
    this.#turn = undefined
  }

  /** The call that runs: another object for each. */
  get turn(): object | undefined {
    return this.#turn
  }

  /** True once nobody waits for the call any more: what becomes of it is told to nobody. */
  get dropped(): boolean {
    return this.#dropped
  }

  /** Whatever the guest waits for, it does not go on: its stack is unwound. */
  drop(): void {
    this.#dropped = true
    this.#giveUp?.(undefined)
    // Each would keep the guest, with all of its memory, until it comes: in weeks, if that is what the guest asked for.
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  /** Asks, and waits for the answer. Rejects with a HostError. */
  ask<Q extends Question>(what: Q, ask: Questions[Q]['ask']): Promise<Questions[Q]['answer']> {
    return this.wait(this.start(what, ask))
  }

  /** Asks, and goes on meanwhile. */
  async start<Q extends Question>(what: Q, ask: Questions[Q]['ask']): Promise<Questions[Q]['answer']> {
    const turn = this.#turn
    if (!turn) throw new HostError('unavailable', 'a warm-up call reaches nothing')
    const got = await this.#senses.askLater(what, ask, () =>
      this.#line.ask(turn.slot, turn.callId, what, ask).then((answer) => ({ answer }), problemOf),
    )
    if ('problem' in got) throw new HostError(got.problem.kind, got.problem.message, got.problem)
    return got.answer
  }

  /** Waits for work that ends in another turn of the event loop: one guest at most goes on in each. */
  async wait<T>(work: Promise<T>): Promise<T> {
    const turn = this.#turn
    if (!turn) return work
    const { budget } = holding
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    work.then(resolve, reject)
    this.#giveUp = reject
    this.#line.control.suspend(turn.slot)
    await promise.catch(() => {})
    this.#giveUp = undefined
    if (this.#dropped || !this.#line.control.resume(turn.slot)) {
      this.#dropped = true
      throw unwinding()
    }
    holding.budget = budget
    lifting.reset()
    return promise
  }

  /** Waits until one of these has come, `ms` milliseconds at most. A warm-up call does not wait. */
  async first(arriving: readonly Promise<unknown>[], ms: number): Promise<void> {
    if (!this.#turn) {
      this.stuck.resolve()
      throw new WebAssembly.RuntimeError('waited in a warm-up call')
    }
    const asked = ms < LONGEST_MS ? { ms } : undefined
    await this.wait(this.#senses.askLater('wait', asked, () => this.#firstOf(arriving, ms)))
  }

  /** Whether something has come: what came first is an input like any other. */
  sees(there: boolean): boolean {
    return this.#senses.ask('arrived', undefined, () => there)
  }

  async #firstOf(arriving: readonly Promise<unknown>[], ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const time = new Promise<void>((resolve) => {
      if (ms >= LONGEST_MS) return
      timer = setTimeout(resolve, ms)
      this.#timers.add(timer)
    })
    await Promise.race([...arriving, time]).catch(() => {})
    if (timer) this.#timers.delete(timer)
    clearTimeout(timer)
  }
}

/** What goes wrong in the terms of an interface is an answer like another. */
function problemOf(error: unknown): Required<Pick<Told, 'problem'>> {
  if (!(error instanceof HostError)) throw error
  const { kind, code, message } = error
  return { problem: { kind, message, ...(code === undefined ? {} : { code }) } }
}

/** The longest that a timer takes; no call is so long. */
const LONGEST_MS = 2 ** 31 - 1
