/** A file that a guest has open. */

import {
  type BigIntStats,
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  readSync,
  writeSync,
} from 'node:fs'
import type { FileBudget } from './budget.ts'
import { FileError } from './file-error.ts'

/** What a file was opened for. */
export interface Access {
  readonly read: boolean
  readonly write: boolean
  /** Whether each write goes to its end. */
  readonly append: boolean
}

export class OpenFile {
  readonly access: Access
  readonly #fd: number
  readonly #budget: FileBudget
  #closed = false
  /** Where the next read or write without a place begins. */
  position = 0

  constructor(fd: number, access: Access, budget: FileBudget) {
    this.#fd = fd
    this.access = access
    this.#budget = budget
  }

  /** Reads into `into` from a place on; returns how many bytes, 0 at the end. */
  read(into: Uint8Array, at: number): number {
    if (!this.access.read) throw new FileError('EBADF')
    return into.length === 0 ? 0 : readSync(this.#open, into, 0, into.length, at)
  }

  /** Writes all of it from a place on, or at the end. Returns where it ends. */
  write(bytes: Uint8Array, at: number): number {
    if (!this.access.write) throw new FileError('EBADF')
    const start = this.access.append ? Number(this.stat().size) : at
    this.#budget.write(bytes.length, start)
    let done = 0
    while (done < bytes.length) done += writeSync(this.#open, bytes, done, bytes.length - done, start + done)
    return start + done
  }

  stat(): BigIntStats {
    return fstatSync(this.#open, { bigint: true })
  }

  truncate(bytes: number): void {
    if (!this.access.write) throw new FileError('EBADF')
    this.#budget.size(bytes)
    ftruncateSync(this.#open, bytes)
  }

  /** In seconds. */
  setTimes(accessed: number, modified: number): void {
    if (!this.access.write) throw new FileError('EBADF')
    futimesSync(this.#open, accessed, modified)
  }

  sync(): void {
    fsyncSync(this.#open)
  }

  get closed(): boolean {
    return this.#closed
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#budget.close()
    closeSync(this.#fd)
  }

  get #open(): number {
    if (this.#closed) throw new FileError('EBADF')
    return this.#fd
  }
}
