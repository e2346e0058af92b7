/** Gathers requests of one kind into batches of ten, SQS's limit, and tells each what became of it. */

import type { Failure } from './queue.ts'

const MOST = 10
/** Requests wait this long for company; those of one journal batch come in the same turn. */
const LINGER_MS = 5
/** Batches on their way at once. */
const CONCURRENT = 8

interface Waiting<T> {
  readonly item: T
  readonly done: (failure: Failure | undefined) => void
  readonly failed: (error: unknown) => void
}

export class Batcher<T> {
  readonly #send: (items: readonly T[]) => Promise<readonly Failure[]>
  #waiting: Waiting<T>[] = []
  #timer: NodeJS.Timeout | undefined
  #active = 0

  constructor(send: (items: readonly T[]) => Promise<readonly Failure[]>) {
    this.#send = send
  }

  /** Resolves with nothing when it was done, with the failure of this one when it was not; rejects with the batch. */
  add(item: T): Promise<Failure | undefined> {
    const { promise, reject, resolve } = Promise.withResolvers<Failure | undefined>()
    this.#waiting.push({ item, done: resolve, failed: reject })
    if (this.#waiting.length >= MOST) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), LINGER_MS)
    return promise
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    while (this.#waiting.length > 0 && this.#active < CONCURRENT) {
      const batch = this.#waiting.splice(0, MOST)
      this.#active += 1
      void this.#run(batch).finally(() => {
        this.#active -= 1
        if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.#flush(), 0)
      })
    }
  }

  async #run(batch: readonly Waiting<T>[]): Promise<void> {
    try {
      const failed = new Map((await this.#send(batch.map(({ item }) => item))).map((one) => [one.index, one]))
      for (const [index, { done }] of batch.entries()) done(failed.get(index))
    } catch (error) {
      for (const { failed } of batch) failed(error)
    }
  }
}
