/** Keeps count of what may be acknowledged: everything up to the oldest transaction with a change not accepted yet. */

import { parseLsn } from './lsn.ts'

/** A transaction whose changes are being offered. */
export interface Open {
  readonly commitLsn: bigint
  /** Microseconds since the epoch at which it was committed. */
  readonly committed: bigint
  pending: number
  /** Its commit has come: no more changes will. */
  complete: boolean
}

export class Progress {
  readonly #open: Open[] = []
  #from = 0
  #safe: bigint

  /** `confirmed` is where the slot stands. */
  constructor(confirmed: bigint) {
    this.#safe = confirmed > 0n ? confirmed - 1n : 0n
  }

  /**
   * The last byte of the log that may be acknowledged: the library adds one to what it is told. The record of a commit
   * begins at its LSN, so that of a transaction is never its end: the next one may begin exactly there.
   */
  get safe(): bigint {
    return this.#safe
  }

  /** Whether every transaction that came is acknowledged or may be. */
  get idle(): boolean {
    return this.#from === this.#open.length
  }

  /** When the oldest transaction that may not be acknowledged was committed; null when there is none. Milliseconds since the epoch. */
  get oldest(): number | null {
    const oldest = this.#open[this.#from]
    return oldest ? Number(oldest.committed / 1_000n) : null
  }

  begin(commitLsn: string | null, committed: bigint): Open {
    const transaction = { commitLsn: parseLsn(commitLsn ?? '0/0'), committed, pending: 0, complete: false }
    this.#open.push(transaction)
    return transaction
  }

  commit(transaction: Open): void {
    transaction.complete = true
    this.#advance()
  }

  /** One of its changes is accepted. */
  accepted(transaction: Open): void {
    transaction.pending -= 1
    if (transaction.pending === 0 && transaction.complete) this.#advance()
  }

  /** The log was read up to `lsn`, and nothing in it is for us. Call it when all that came before is dealt with. */
  passed(lsn: bigint): void {
    if (this.idle && lsn - 1n > this.#safe) this.#safe = lsn - 1n
  }

  #advance(): void {
    for (;;) {
      const oldest = this.#open[this.#from]
      if (!oldest?.complete || oldest.pending > 0) break
      this.#safe = oldest.commitLsn
      this.#from += 1
    }
    // Taking them off the front one by one would cost as much as there are.
    if (this.#from <= 1_000 && !this.idle) return
    this.#open.splice(0, this.#from)
    this.#from = 0
  }
}
