/** Group commit: what arrives while a transaction is under way goes into the next one, whoever it comes from. */

import { GatewayError } from '../errors.ts'
import { type Change, CommitError, type Store } from './store.ts'

/** While the disk is full, this often it is tried again. Milliseconds. */
const RETRY_FULL = 250

/** What nobody waits for is on disk after this many milliseconds, if nothing else was to be written in between. */
const AT_LEISURE = 5

/** Makes the journal's changes. Called by the writer, in this order, one transaction at a time. */
export interface Cargo {
  /** Whether anything is to be written. */
  readonly waiting: boolean
  /** Takes what waits, up to a bound, and returns the changes that it makes. */
  load(): Change[]
  /** They are on disk. */
  landed(): void
  /** Nothing of them was written, for want of room: drops what nobody was promised, keeps the rest for the next load. */
  turnedBack(): void
  /** The journal's promise is broken for good: nothing more is written. */
  wrecked(error: GatewayError): void
}

export class Writer {
  readonly #store: Store
  readonly #cargo: Cargo
  readonly #failed = Promise.withResolvers<Error>()
  #error: GatewayError | undefined
  #full = false
  #scheduled = false
  /** True when somebody waits for what is to be written next. */
  #urgent = false
  #leisure: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined

  constructor(store: Store, cargo: Cargo) {
    this.#store = store
    this.#cargo = cargo
  }

  /** Resolves with the reason once nothing more can be written. */
  get failed(): Promise<Error> {
    return this.#failed.promise
  }

  get error(): GatewayError | undefined {
    return this.#error
  }

  /** True from a write that found no room until one that did. */
  get full(): boolean {
    return this.#full
  }

  /**
   * Writes what waits, soon: after the events of this turn of the loop, so that they share one transaction. `atLeisure`
   * for what nobody waits for: with the next transaction that somebody does, or else within a few milliseconds.
   */
  schedule(atLeisure = false): void {
    if (atLeisure && !this.#urgent) {
      this.#later()
      return
    }
    this.#urgent = true
    if (this.#scheduled || this.#writing !== undefined || this.#retry !== undefined || this.#error) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#begin()
    })
  }

  /** Writes nothing more, and refuses all that waits. */
  fail(error: GatewayError): void {
    if (this.#error) return
    this.#error = error
    this.#cargo.wrecked(error)
    this.#failed.resolve(error)
  }

  /** Resolves when nothing waits, or nothing can be written any more. */
  async drain(): Promise<void> {
    while ((this.#cargo.waiting || this.#writing !== undefined) && this.#error === undefined && !this.#full) {
      this.schedule()
      await (this.#writing ?? new Promise((resolve) => setImmediate(resolve)))
    }
    clearTimeout(this.#retry)
    clearTimeout(this.#leisure)
  }

  #later(): void {
    if (this.#writing !== undefined || this.#leisure !== undefined) return
    this.#leisure = setTimeout(() => {
      this.#leisure = undefined
      if (this.#cargo.waiting && this.#error === undefined) this.#begin()
    }, AT_LEISURE)
  }

  #begin(): void {
    if (this.#writing === undefined && this.#retry === undefined) this.#writing = this.#write()
  }

  async #write(): Promise<void> {
    try {
      const changes = this.#cargo.load()
      // What is left was too much for one transaction.
      this.#urgent = this.#cargo.waiting
      await this.#store.commit(changes)
      this.#full = false
      this.#cargo.landed()
    } catch (error) {
      if (error instanceof CommitError && error.full) this.#wait()
      else this.#wreck(error)
    }
    this.#writing = undefined
    if (this.#urgent) this.schedule()
    else if (this.#cargo.waiting) this.#later()
  }

  #wait(): void {
    this.#full = true
    this.#cargo.turnedBack()
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.#writing = this.#write()
    }, RETRY_FULL)
  }

  /** fsync is not tried again: the kernel may have dropped the pages that it could not write. */
  #wreck(cause: unknown): void {
    if (cause instanceof GatewayError) {
      this.fail(cause)
      return
    }
    const reason = cause instanceof Error ? cause.message : String(cause)
    const doing = cause instanceof CommitError ? 'syncing' : 'writing'
    const what = cause instanceof CommitError ? `journal sync failed: ${reason}` : reason
    const message = `journal (lmdb): ${doing} "${this.#store.path}": ${what}; check the disk, then start again`
    this.fail(new GatewayError('JOURNAL_IO', message, { cause }))
  }
}
