/** The broker's disk: one LMDB with sessions, queued messages, retained messages, wills and packet identifiers in use. */

import { createHash } from 'node:crypto'
import { statfsSync } from 'node:fs'
import { open, type RootDatabase } from 'lmdb'
import { GatewayError, toGatewayError } from '../errors.ts'

/** A kind, a client or topic, and a place in its order. */
type Key = (string | number)[]
type Kind = 'session' | 'queued' | 'sent' | 'received' | 'use' | 'will' | 'retained'

/** A key without a value is removed. */
type Change = [key: Key, value: unknown] | [key: Key]

/** LMDB takes keys of 1,978 bytes; longer names are kept under their hash, and stand in the value. */
const LONGEST_NAME = 900

/**
 * Left free on the disk. LMDB must not find it full by itself: its wrapper prints the stack of each try to stderr, which
 * no option turns off (write.js of lmdb 3.5.6), and a publish that is tried again each second floods the log.
 */
const MARGIN = 2 ** 20
/** LMDB copies a page that it changes, and the pages above it. */
const BYTES_PER_CHANGE = 2 * 4_096

const short = (name: string): string =>
  name.length <= LONGEST_NAME / 3 ? name : createHash('sha256').update(name).digest('base64url')

/**
 * Writes made in one turn of the event loop share a transaction. A write resolves when it is on disk (synced), and can be
 * read from then on.
 */
export class Store {
  readonly #db: RootDatabase<unknown, Key>
  readonly #path: string
  readonly #free: (path: string) => number
  readonly #failed: (error: GatewayError) => void
  #changes: Change[] = []
  #committed: Promise<unknown> | undefined

  /** `path`: the folder; made when absent. `free`: bytes that may still be written to its disk. `failed` hears that it is of no use any more. */
  constructor(
    path: string,
    free: (path: string) => number = freeBytes,
    failed: (error: GatewayError) => void = () => {},
  ) {
    this.#path = path
    this.#free = free
    this.#failed = failed
    this.#db = open({
      path,
      // Not "committed now, flushed later": whoever waits, waits for the disk.
      overlappingSync: false,
      eventTurnBatching: false,
      encoder: { useRecords: false } as never,
    })
  }

  get<T>(kind: Kind, name: string, place?: number): T | undefined {
    return this.#db.get(keyOf(kind, name, place)) as T | undefined
  }

  /** Like all writes, rejects when the disk refuses; who does not look at the promise does not have to. */
  put(kind: Kind, name: string, value: unknown, place?: number): Promise<unknown> {
    return this.#write([keyOf(kind, name, place), value])
  }

  remove(kind: Kind, name: string, place?: number): Promise<unknown> {
    return this.#write([keyOf(kind, name, place)])
  }

  /** Everything of one client, in order of place, from `from` on. */
  *each<T>(kind: Kind, name: string, from = 0): Generator<readonly [place: number, value: T]> {
    const range = { start: [kind, short(name), from], end: [kind, short(name), Number.MAX_SAFE_INTEGER] }
    for (const { key, value } of this.#db.getRange(range)) yield [Number(key[2]), value as T]
  }

  /** The place of the last of a client's, 0 when it has none. */
  last(kind: Kind, name: string): number {
    const end = { start: [kind, short(name), Number.MAX_SAFE_INTEGER], end: [kind, short(name)] }
    for (const key of this.#db.getKeys({ ...end, reverse: true, limit: 1 })) return Number(key[2])
    return 0
  }

  /** Everything of a kind. */
  *all<T>(kind: Kind): Generator<T> {
    const range = { start: [kind, ''], end: [kind, '\u{10ffff}'] }
    for (const { value } of this.#db.getRange(range)) yield value as T
  }

  /** Removes all that is kept of a client under these kinds. */
  clear(kinds: readonly Kind[], name: string): Promise<unknown> {
    const removed = kinds.flatMap((kind) => [...this.each(kind, name)].map(([place]) => this.remove(kind, name, place)))
    return looked(Promise.all(removed))
  }

  async close(): Promise<void> {
    await this.#committed?.catch(() => {})
    await this.#db.close()
  }

  #write(change: Change): Promise<unknown> {
    this.#changes.push(change)
    this.#committed ??= looked(new Promise((resolve) => setImmediate(resolve)).then(() => this.#commit()))
    return this.#committed
  }

  /** Asking takes 1.2 us, measured. A removal needs room, too. */
  #hasRoom(changes: readonly Change[]): boolean {
    const free = this.#free(this.#path)
    let wanted = MARGIN + changes.length * BYTES_PER_CHANGE
    for (const [, value] of changes) wanted += sizeOf(value)
    return free >= wanted
  }

  /** One batch: a put outside of one has a second promise that nobody is given, and ends the process on a full disk. */
  async #commit(): Promise<void> {
    const changes = this.#changes
    this.#changes = []
    this.#committed = undefined
    if (!this.#hasRoom(changes)) throw new Error(`no space left on the disk of "${this.#path}"; free some`)
    const committed = this.#db.batch(() => {
      for (const change of changes) void (change.length === 1 ? this.#db.remove(change[0]) : this.#db.put(...change))
    })
    try {
      await committed
    } catch (error) {
      const reason = await reasonOf(error)
      if (isLasting(reason)) this.#failed(lost(this.#path, reason))
      throw reason
    }
  }
}

/** Who does not look at the promise does not have to: what a disk refuses ends no process by that alone. */
export function looked<T>(written: Promise<T>): Promise<T> {
  written.catch(() => {})
  return written
}

/** Of a message, that of its payload; all else is small. */
const sizeOf = (value: unknown): number =>
  typeof value === 'object' && value !== null && 'payload' in value && value.payload instanceof Uint8Array
    ? value.payload.length
    : 0

/** Without end where the file system does not say. */
function freeBytes(path: string): number {
  try {
    const { bavail, blocks, bsize } = statfsSync(path)
    return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

const keyOf = (kind: Kind, name: string, place?: number): Key =>
  place === undefined ? [kind, short(name)] : [kind, short(name), place]

const ENOSPC = 28

/**
 * Whether LMDB takes nothing any more after this: only of a full disk it does, and not when it met that while it wrote,
 * which costs bytes beyond a buffer (mdb.c of lmdb 3.5.6, mdb_page_flush). A quota that nobody asked before is met there
 * or at the meta page, after which it is in panic.
 */
function isLasting(reason: unknown): boolean {
  if (!(reason instanceof Error)) return true
  const code = 'code' in reason ? reason.code : undefined
  return code !== ENOSPC || reason.message.includes('Attempting to write page')
}

const lost = (path: string, cause: unknown): GatewayError =>
  new GatewayError(
    'JOURNAL_IO',
    `broker (lmdb): writing to "${path}": ${toGatewayError(cause).message}; check the disk, then start again`,
    { cause },
  )

/** LMDB's error holds the reason as a promise, which ends the process when nobody looks at it. */
async function reasonOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  return Promise.resolve(error.commitError).then(
    () => error,
    (reason: unknown) => reason,
  )
}
