/** WASI streams of a guest: standard input that is closed, output that is cut into lines for the log. */

import { LOG_BYTES, RESULT_BYTES } from '../limits.ts'
import type { Port } from '../port.ts'
import { LiftError, lifting } from './budget.ts'
import { Resource } from './resource.ts'
import { LIVE, type Senses } from './senses.ts'

/** `wasi:io/poll.pollable`: ready from an instant on. */
export class Pollable extends Resource {
  readonly #senses: Senses
  /** By the steady clock, in milliseconds; 0 for what is always ready. */
  readonly at: number
  readonly #port: Port | undefined
  /** Resolves when something has come that it is ready for. */
  readonly arrives: Promise<unknown> | undefined = undefined

  constructor(at = 0, senses = LIVE, port?: Port) {
    super()
    this.#senses = senses
    this.#port = port
    this.at = at
  }

  ready(): boolean {
    return this.at <= 0 || this.#senses.steady() >= this.at
  }

  /** Milliseconds until its instant. */
  get leftMs(): number {
    return this.at <= 0 ? 0 : this.at - this.#senses.steady()
  }

  /** Sleeps in the worker thread, or waits; the pool ends it at the call's deadline like any other work. */
  block(): void | Promise<void> {
    if (this.at <= 0) return
    if (this.#port) return this.#port.first([], this.leftMs)
    this.#senses.pause(this.leftMs)
  }
}

/** `wasi:io/error.error`. */
export class IoError extends Resource {
  toDebugString(): string {
    return 'error'
  }
}

/** Bytes that are read or written at once. */
const WINDOW = 64n << 10n

/** What jco turns into the `closed` case of `stream-error`. */
const closed = (): never => {
  throw { tag: 'closed' }
}

/** Bytes to read; none for a standard input that is closed. */
export class InputStream extends Resource {
  #rest: Uint8Array

  constructor(bytes: Uint8Array) {
    super()
    this.#rest = bytes
  }

  read(most: bigint): Uint8Array {
    if (this.#rest.length === 0) return closed()
    const length = Number(most < WINDOW ? most : WINDOW)
    const bytes = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return bytes
  }

  blockingRead(most: bigint): Uint8Array {
    return this.read(most)
  }

  skip(most: bigint): bigint {
    return BigInt(this.read(most).length)
  }

  blockingSkip(most: bigint): bigint {
    return this.skip(most)
  }

  subscribe(): Pollable {
    return new Pollable()
  }
}

/** Where bytes that a guest writes go. */
export interface Drain {
  write(bytes: Uint8Array): void
}

/** Keeps what a guest writes, up to the size of an answer. */
export class Kept implements Drain {
  readonly #keep: (bytes: number) => void
  readonly #parts: Uint8Array[] = []
  #length = 0
  /** What was written in small parts, each of which would cost more than its bytes: a program may write them one by one. */
  #small: Uint8Array | undefined
  #filled = 0

  /** `keep` is told how many bytes more there are. */
  constructor(keep: (bytes: number) => void = () => {}) {
    this.#keep = keep
  }

  /** Keeps the bytes themselves: they are not written to any more. Throws a LiftError when they are too many. */
  write(bytes: Uint8Array): void {
    this.#keep(bytes.length)
    this.#length += bytes.length
    if (this.#length > RESULT_BYTES) throw new LiftError(`it returned more than ${RESULT_BYTES >> 20} MiB`)
    if (this.#filled + bytes.length > PART) this.#close()
    if (bytes.length > PART) {
      this.#parts.push(bytes)
      return
    }
    this.#small ??= new Uint8Array(PART)
    this.#small.set(bytes, this.#filled)
    this.#filled += bytes.length
  }

  /** All of it. */
  take(): Uint8Array {
    this.#close()
    return Buffer.concat(this.#parts)
  }

  #close(): void {
    // A copy of its own: a Buffer would be a part of 64 KiB, all of which it keeps.
    if (this.#small && this.#filled > 0) this.#parts.push(this.#small.slice(0, this.#filled))
    this.#filled = 0
  }
}

const PART = 1_024

/** Cuts what a guest writes into lines. What is not ended by a newline is a line at the end of the call. */
export class Lines implements Drain {
  readonly #line: (text: string) => void
  /** Made when it is needed: most instances write nothing. */
  #decoder: TextDecoder | undefined
  #rest = ''

  constructor(line: (text: string) => void) {
    this.#line = line
  }

  write(bytes: Uint8Array): void {
    // What is past the budget of a call is not even decoded.
    this.#decoder ??= new TextDecoder()
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

/** A stream of bytes that a guest writes. */
export class OutputStream extends Resource {
  readonly #drain: Drain
  readonly splice = closed
  readonly blockingSplice = closed

  constructor(drain: Drain) {
    super()
    this.#drain = drain
  }

  checkWrite(): bigint {
    return WINDOW
  }

  write(bytes: Uint8Array): void {
    lifting.reset()
    this.#drain.write(bytes)
  }

  blockingWriteAndFlush(bytes: Uint8Array): void {
    this.write(bytes)
  }

  flush(): void {}

  blockingFlush(): void {}

  writeZeroes(length: bigint): void {
    if (length > WINDOW) throw new LiftError(`it wrote more than ${WINDOW >> 10n} KiB at once`)
    this.#drain.write(new Uint8Array(Number(length)))
  }

  blockingWriteZeroesAndFlush(length: bigint): void {
    this.writeZeroes(length)
  }

  subscribe(): Pollable {
    return new Pollable()
  }
}
