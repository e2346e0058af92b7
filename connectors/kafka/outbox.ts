/** What waits to be written to one topic: one batch under way at a time, the next one gathering meanwhile. */

import type { OutgoingRecord } from './record.ts'
import { sizeOf } from './record.ts'
import { troubleOf } from './trouble.ts'

/** Brokers refuse a batch above message.max.bytes, 1 MiB unless told. Bytes. */
const BATCH_BYTES = 512 * 1024
const BATCH_RECORDS = 2_000

/** Resolves once all of them are written. */
export type Write = (topic: string, records: readonly OutgoingRecord[]) => Promise<void>

interface Entry {
  readonly record: OutgoingRecord
  readonly written: () => void
  readonly refused: (error: unknown) => void
  /** Nobody waits for it any more. */
  isLeft: boolean
}

export class Outbox {
  readonly #topic: string
  readonly #write: Write
  #waiting: Entry[] = []
  /** Halves of a batch that was refused for good: one of its records may be the reason, the others are not to suffer. */
  readonly #halves: Entry[][] = []
  #isBusy = false

  constructor(topic: string, write: Write) {
    this.#topic = topic
    this.#write = write
  }

  get isEmpty(): boolean {
    return !this.#isBusy && this.#waiting.length === 0 && this.#halves.length === 0
  }

  /** Resolves once the record is written. Rejects with what the brokers say, or the reason of `signal`; what is not under way then is not written. */
  async put(record: OutgoingRecord, signal: AbortSignal): Promise<void> {
    const { promise, reject, resolve } = Promise.withResolvers<void>()
    const entry: Entry = { record, written: resolve, refused: reject, isLeft: false }
    const leave = () => {
      entry.isLeft = true
      reject(signal.reason)
    }
    signal.addEventListener('abort', leave, { once: true })
    this.#waiting.push(entry)
    this.#begin()
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  /** What was put within one turn of the event loop goes together. */
  #begin(): void {
    if (this.#isBusy) return
    this.#isBusy = true
    setImmediate(() => void this.#run())
  }

  async #run(): Promise<void> {
    for (;;) {
      const batch = this.#next()
      if (batch.length === 0) break
      await this.#send(batch)
    }
    this.#isBusy = false
  }

  async #send(batch: readonly Entry[]): Promise<void> {
    try {
      await this.#write(
        this.#topic,
        batch.map(({ record }) => record),
      )
    } catch (error) {
      if (batch.length > 1 && troubleOf(error).isOfRecord) {
        const half = Math.ceil(batch.length / 2)
        this.#halves.unshift(batch.slice(0, half), batch.slice(half))
      } else for (const { refused } of batch) refused(error)
      return
    }
    for (const { written } of batch) written()
  }

  #next(): readonly Entry[] {
    const half = this.#halves.shift()
    if (half) return half.filter(({ isLeft }) => !isLeft)
    const batch: Entry[] = []
    let bytes = 0
    let at = 0
    for (; at < this.#waiting.length && batch.length < BATCH_RECORDS; at++) {
      const entry = this.#waiting[at]
      if (entry === undefined || entry.isLeft) continue
      bytes += sizeOf(entry.record)
      if (bytes > BATCH_BYTES && batch.length > 0) break
      batch.push(entry)
    }
    this.#waiting = this.#waiting.slice(at)
    return batch
  }
}
