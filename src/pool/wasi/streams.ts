/** WASI streams of a guest: standard input that is closed, output that is cut into lines for the log. */

import { LOG_BYTES, RESOURCES } from '../limits.ts'

/** Counts the live host resources of an instance: each costs host memory that the guest's own cap does not cover. */
export class ResourceBudget {
  #left = RESOURCES

  take(): void {
    if (--this.#left < 0) throw new WebAssembly.RuntimeError(`held more than ${RESOURCES} host resources at once`)
  }

  give(): void {
    this.#left++
  }
}

/** `wasi:io/poll.pollable`: ready from an instant on. */
export class Pollable {
  readonly #budget: ResourceBudget
  /** By the clock of `performance.now()`, in milliseconds. */
  readonly at: number

  constructor(budget: ResourceBudget, at = 0) {
    budget.take()
    this.#budget = budget
    this.at = at
  }

  ready(): boolean {
    return performance.now() >= this.at
  }

  /** Sleeps in the worker thread; the pool ends it at the call's deadline like any other work. */
  block(): void {
    const left = this.at - performance.now()
    if (left > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, left)
  }

  [Symbol.dispose](): void {
    this.#budget.give()
  }
}

/** `wasi:io/error.error`; none is ever made. */
export class IoError {
  toDebugString(): string {
    return 'error'
  }
}

/** What jco turns into the `closed` case of `stream-error`. */
const closed = (): never => {
  throw { tag: 'closed' }
}

/** Standard input: at its end from the start. */
export class InputStream {
  readonly #budget: ResourceBudget
  readonly read = closed
  readonly blockingRead = closed
  readonly skip = closed
  readonly blockingSkip = closed

  constructor(budget: ResourceBudget) {
    budget.take()
    this.#budget = budget
  }

  subscribe(): Pollable {
    return new Pollable(this.#budget)
  }

  [Symbol.dispose](): void {
    this.#budget.give()
  }
}

/** Cuts what a guest writes into lines. What is not ended by a newline is a line at the end of the call. */
export class Lines {
  readonly #line: (text: string) => void
  readonly #decoder = new TextDecoder()
  #rest = ''

  constructor(line: (text: string) => void) {
    this.#line = line
  }

  write(bytes: Uint8Array): void {
    // What is past the budget of a call is not even decoded.
    const text = this.#rest + this.#decoder.decode(bytes.subarray(0, LOG_BYTES), { stream: true })
    const lines = text.split('\n')
    this.#rest = (lines.pop() ?? '').slice(0, LOG_BYTES)
    for (const line of lines) if (line !== '') this.#line(line)
  }

  end(): void {
    const rest = this.#rest
    this.#rest = ''
    if (rest !== '') this.#line(rest)
  }
}

/** Standard output or error. */
export class OutputStream {
  static readonly #WINDOW = 64n << 10n
  readonly #budget: ResourceBudget
  readonly #lines: Lines
  readonly splice = closed
  readonly blockingSplice = closed

  constructor(budget: ResourceBudget, lines: Lines) {
    budget.take()
    this.#budget = budget
    this.#lines = lines
  }

  checkWrite(): bigint {
    return OutputStream.#WINDOW
  }

  write(bytes: Uint8Array): void {
    this.#lines.write(bytes)
  }

  blockingWriteAndFlush(bytes: Uint8Array): void {
    this.#lines.write(bytes)
  }

  flush(): void {}

  blockingFlush(): void {}

  writeZeroes(): void {}

  blockingWriteZeroesAndFlush(): void {}

  subscribe(): Pollable {
    return new Pollable(this.#budget)
  }

  [Symbol.dispose](): void {
    this.#budget.give()
  }
}
