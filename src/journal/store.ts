/** The LMDB environment under the journal: reads, and transactions that are on disk when they resolve. */

import { mkdirSync, statfsSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
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
/** Less than this free is a full disk: LMDB reports a short write as EIO, whatever the reason. */
const NO_ROOM = 256 * 1024
/**
 * Left free beside what a transaction may take, for those who write to the same disk meanwhile. LMDB must not find the
 * disk full by itself: it writes what it says of a failed write beyond the 100 bytes that it took for that (mdb.c of
 * lmdb 3.5.6, mdb_page_flush), and glibc then ends the process.
 */
const MARGIN = 2 ** 20
/** LMDB copies a page that it changes, and the pages above it. */
const BYTES_PER_CHANGE = 2 * 4_096
/** With as much free as this beside all that, the values need not be added up. */
const MOST = 2 ** 28

const OPTIONS = {
  noSubdir: false,
  keyEncoding: 'binary',
  encoding: 'binary',
  // With overlapping sync a commit is visible before it is on disk, and an error of the later sync reaches nobody
  // who waits. Without it the one promise of a transaction resolves after fdatasync: as fast, measured.
  overlappingSync: false,
  eventTurnBatching: false,
} as const

const refuse = (path: string, cause: unknown): GatewayError =>
  new GatewayError('JOURNAL_CORRUPT', `journal (lmdb): reading "${path}": ${toGatewayError(cause).message}`, { cause })

/** What is said of a stored value whose bytes are not what was written. */
export const damage = (path: string, place: string): GatewayError =>
  new GatewayError(
    'JOURNAL_CORRUPT',
    `journal (lmdb): reading "${path}": ${place} is damaged; run headgate journal verify`,
  )

/** What is said to those who come while the journal closes. */
export const stopping = (doing: string): GatewayError =>
  new GatewayError('STOPPING', `journal (lmdb): ${doing}: the journal is closing`)

export class Store {
  readonly path: string
  /** Bytes of the file when it was opened. */
  readonly bytesAtOpen: number
  readonly #file: string
  readonly #db: RootDatabase<Buffer, Buffer>

  constructor(path: string, readOnly = false) {
    this.path = path
    this.#file = join(path, 'data.mdb')
    if (!readOnly) mkdirSync(path, { recursive: true })
    try {
      this.#db = open<Buffer, Buffer>({ path, readOnly, ...OPTIONS })
    } catch (error) {
      throw refuse(path, error)
    }
    this.bytesAtOpen = this.bytes
    this.#pad(readOnly)
  }

  /** Bytes of the file now. */
  get bytes(): number {
    return statSync(this.#file).size
  }

  /** A copy of the value. Like all reading, throws `JOURNAL_CORRUPT` when LMDB cannot make sense of its pages. */
  get(key: Buffer): Buffer | undefined {
    return this.#reading(() => this.#db.get(key))
  }

  has(key: Buffer): boolean {
    return this.#reading(() => this.#db.doesExist(key))
  }

  /** Entries from `start` up to and without `end`, or backwards from `start` down to `end`. */
  range(start: Buffer, end: Buffer, limit = Number.MAX_SAFE_INTEGER): Iterable<{ key: Buffer; value: Buffer }> {
    return this.#each(this.#db.getRange({ start, end, limit }))
  }

  keys(start: Buffer, end: Buffer, limit = Number.MAX_SAFE_INTEGER, reverse = false): Iterable<Buffer> {
    return this.#each(this.#db.getKeys({ start, end, limit, reverse }))
  }

  /** Writes all changes in one transaction. Resolves once they are on disk; rejects with a `CommitError`. */
  async commit(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return
    if (!this.#hasRoom(changes)) throw new CommitError(true, new Error('no space left on device'))
    // A batch has one promise. Puts outside of one begin a batch of their own with a promise that nobody is given:
    // when a commit fails, it ends the process.
    const committed = this.#db.batch(() => {
      for (const [key, value] of changes) void (value === undefined ? this.#db.remove(key) : this.#db.put(key, value))
    })
    try {
      await committed
    } catch (error) {
      throw await this.#explain(error)
    }
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  /**
   * Makes the file as long as LMDB takes it to be: the map beyond the end of a file that was cut short ends the
   * process (SIGBUS), where zeros are an error. Pages that LMDB took and gave back in one transaction are never
   * written, so a sound file may be shorter, too.
   */
  #pad(readOnly: boolean): void {
    const reading = this.#db.useReadTransaction()
    const { lastPageNumber, pageSize } = this.#db.getStats() as Partial<Record<string, number>>
    reading.done()
    const wanted = ((lastPageNumber ?? 0) + 1) * (pageSize ?? 0)
    if (this.bytesAtOpen >= wanted) return
    const what = `data.mdb has ${this.bytesAtOpen} bytes of ${wanted}; it was cut short, unless the journal opens`
    if (readOnly) {
      this.#db.close().catch(() => undefined)
      throw refuse(this.path, new Error(what))
    }
    // Half of a page may pass for one to LMDB, whose assertions end the process; one of zeros is an error.
    truncateSync(this.#file, this.bytesAtOpen - (this.bytesAtOpen % (pageSize ?? 1)))
    truncateSync(this.#file, wanted)
  }

  #reading<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw refuse(this.path, error)
    }
  }

  *#each<T>(found: Iterable<T>): Generator<T, void> {
    try {
      yield* found
    } catch (error) {
      throw refuse(this.path, error)
    }
  }

  /** The reason is in a second promise, which ends the process when nobody listens. */
  async #explain(error: unknown): Promise<CommitError> {
    const reason: unknown = await reasonOf(error)
    const code = reason instanceof Error && 'code' in reason ? reason.code : undefined
    // A write that failed in LMDB itself has cost bytes beyond a buffer: whatever was full, this process must not go on.
    // Nor after a quota (EDQUOT), which nobody asks before: it is met there, or at the meta page, and LMDB is in panic then.
    const damaged = reason instanceof Error && reason.message.includes('Attempting to write page')
    return new CommitError(!damaged && (code === ENOSPC || this.#noRoom()), reason)
  }

  /** Asking takes 1.2 us, measured. */
  #hasRoom(changes: readonly Change[]): boolean {
    const free = this.#free()
    let wanted = MARGIN + changes.length * BYTES_PER_CHANGE
    if (free >= wanted + MOST) return true
    for (const [, value] of changes) wanted += value?.length ?? 0
    return free >= wanted
  }

  #noRoom(): boolean {
    return this.#free() < NO_ROOM
  }

  /** Bytes that may still be written to the disk; without end when it does not say. */
  #free(): number {
    try {
      const { bavail, blocks, bsize } = statfsSync(this.path)
      return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize
    } catch {
      return Number.POSITIVE_INFINITY
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
