/** The LMDB environment under the journal: reads, and transactions that are on disk when they resolve. */

import { mkdirSync, statfsSync } from 'node:fs'
import { open, type RootDatabase } from 'lmdb'
import { GatewayError, toGatewayError } from '../errors.ts'

/** A change of one key; no value removes it. */
export type Change = readonly [key: Buffer, value: Buffer | undefined]

/** Why a transaction is not on disk. `full`: nothing was written, and it may be tried again once there is room. */
export class CommitError extends Error {
  readonly full: boolean

  constructor(full: boolean, cause: unknown) {
    super(toGatewayError(cause).message, { cause })
    this.full = full
  }
}

const ENOSPC = 28
const EDQUOT = 122
/** Less than this free is a full disk: LMDB reports a short write as EIO, whatever the reason. */
const NO_ROOM = 256 * 1024

const OPTIONS = {
  noSubdir: false,
  keyEncoding: 'binary',
  encoding: 'binary',
  // With overlapping sync a commit is visible before it is on disk, and an error of the later sync reaches nobody
  // who waits. Without it the one promise of a transaction resolves after fdatasync: as fast, measured.
  overlappingSync: false,
} as const

const refuse = (path: string, cause: unknown): GatewayError =>
  new GatewayError('JOURNAL_CORRUPT', `journal (lmdb): opening "${path}": ${toGatewayError(cause).message}`, { cause })

export class Store {
  readonly path: string
  readonly #db: RootDatabase<Buffer, Buffer>

  constructor(path: string, readOnly = false) {
    this.path = path
    if (!readOnly) mkdirSync(path, { recursive: true })
    try {
      this.#db = open<Buffer, Buffer>({ path, readOnly, ...OPTIONS })
    } catch (error) {
      throw refuse(path, error)
    }
  }

  /** A copy of the value. */
  get(key: Buffer): Buffer | undefined {
    return this.#db.get(key)
  }

  has(key: Buffer): boolean {
    return this.#db.doesExist(key)
  }

  /** Entries from `start` up to and without `end`, or backwards from `start` down to `end`. */
  range(start: Buffer, end: Buffer, limit?: number, reverse = false): Iterable<{ key: Buffer; value: Buffer }> {
    return this.#db.getRange(limit === undefined ? { start, end, reverse } : { start, end, reverse, limit })
  }

  keys(start: Buffer, end: Buffer, limit?: number, reverse = false): Iterable<Buffer> {
    return this.#db.getKeys(limit === undefined ? { start, end, reverse } : { start, end, reverse, limit })
  }

  /** Writes all changes in one transaction. Resolves once they are on disk; rejects with a `CommitError`. */
  async commit(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return
    // All of one turn of the event loop is one transaction (eventTurnBatching), and each call returns its promise.
    let committed: Promise<boolean> | undefined
    for (const [key, value] of changes)
      committed = value === undefined ? this.#db.remove(key) : this.#db.put(key, value)
    try {
      await committed
    } catch (error) {
      throw await this.#explain(error)
    }
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  /** The reason is in a second promise, which ends the process when nobody listens. */
  async #explain(error: unknown): Promise<CommitError> {
    const reason: unknown = await reasonOf(error)
    const code = reason instanceof Error && 'code' in reason ? reason.code : undefined
    return new CommitError(code === ENOSPC || code === EDQUOT || this.#noRoom(), reason)
  }

  #noRoom(): boolean {
    try {
      const { bavail, bsize } = statfsSync(this.path)
      return bavail * bsize < NO_ROOM
    } catch {
      return false
    }
  }
}

async function reasonOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  try {
    await error.commitError
    return error
  } catch (reason) {
    return reason
  }
}
