/** What a downstream is told to do with the events that arrive: to keep one waiting for its answer, and to refuse it. */

import type { CloudEvent } from '#connector'
import type { Downstream, Refusal } from './sink-bench.ts'

/** `hold`, `release` and `refuse` are those of a `Downstream`. */
export class Orders implements Pick<Downstream, 'hold' | 'release' | 'refuse'> {
  #gate = Promise.withResolvers<void>()
  #held: (event: CloudEvent) => boolean = () => false
  #refusal: (event: CloudEvent) => Refusal | undefined = () => undefined

  readonly hold = (which: (event: CloudEvent) => boolean): void => {
    this.#held = which
  }

  readonly release = (): void => {
    this.#gate.resolve()
    this.#gate = Promise.withResolvers()
  }

  readonly refuse = (how: (event: CloudEvent) => Refusal | undefined): void => {
    this.#refusal = how
  }

  /** Resolves, once the event is not held any more, to how it is refused; undefined is yes. */
  async answer(event: CloudEvent): Promise<Refusal | undefined> {
    // An answer takes a turn of its own: none comes before the next event is sent.
    await (this.#held(event) ? this.#gate.promise : new Promise((resolve) => setImmediate(resolve)))
    return this.#refusal(event)
  }
}
