/** The records of one partition that were fetched and are not accepted: in order, and no more than there is room for. */

import type { KafkaRecord } from './normalize.ts'
import { Watermark } from './watermark.ts'

/** What a record costs beside its key and value. Bytes. */
const OVERHEAD = 256

export class Lane {
  readonly topic: string
  readonly partition: number
  readonly watermark = new Watermark()
  /** The end of the partition, as the last fetch saw it. */
  end = 0
  /** Fetched and not accepted. */
  bytes = 0
  /** Offered and not answered. */
  inFlight = 0
  /** A record was refused: nothing is offered before it has been offered again. */
  isHeld = false
  /** Nothing more of this partition is fetched for now. */
  isPaused = false
  /** The partition belongs to another now: what is left is not offered, and never committed. */
  isLost = false
  /** What was committed last. */
  committed: number | undefined
  /** How often in a row a record was refused. */
  refusals = 0
  /** The longest wait that a refusal asked for. Milliseconds. */
  retryAfterMs = 0
  #waiting: KafkaRecord[] = []
  #at = 0
  readonly #refused: KafkaRecord[] = []

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get hasWaiting(): boolean {
    return this.#at < this.#waiting.length
  }

  /** Adds what was fetched. `last` is the last offset of the batch: what follows its last record is no record. */
  push(records: readonly KafkaRecord[], last: number): void {
    for (const record of records) {
      this.watermark.take(Number(record.offset), Number(record.timestamp))
      this.bytes += costOf(record)
      this.#waiting.push(record)
    }
    if (last <= this.watermark.last) return
    this.watermark.take(last)
    this.watermark.settle(last)
  }

  /** The next record to offer. */
  shift(): KafkaRecord | undefined {
    const record = this.#waiting[this.#at]
    if (record === undefined) return undefined
    this.#at += 1
    if (this.#at === this.#waiting.length) {
      this.#waiting = []
      this.#at = 0
    }
    return record
  }

  accepted(record: KafkaRecord): void {
    this.bytes -= costOf(record)
    this.watermark.settle(Number(record.offset))
  }

  /** Keeps a record to be offered again, and all that follow it behind it. */
  refuse(record: KafkaRecord, retryAfterMs = 0): void {
    this.retryAfterMs = Math.max(this.retryAfterMs, retryAfterMs)
    this.#refused.push(record)
    this.isHeld = true
  }

  /** What was refused comes first again, in its order. */
  again(): void {
    this.#refused.sort((a, b) => Number(a.offset) - Number(b.offset))
    this.#waiting = [...this.#refused.splice(0), ...this.#waiting.slice(this.#at)]
    this.#at = 0
    this.retryAfterMs = 0
    this.isHeld = false
  }
}

const costOf = ({ key, value }: KafkaRecord): number => OVERHEAD + (key?.length ?? 0) + (value?.length ?? 0)
