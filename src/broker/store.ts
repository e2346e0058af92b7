/** The broker's disk: one LMDB with sessions, queued messages, retained messages, wills and packet identifiers in use. */

import { createHash } from 'node:crypto'
import { open, type RootDatabase } from 'lmdb'

/** A kind, a client or topic, and a place in its order. */
type Key = (string | number)[]
type Kind = 'session' | 'queued' | 'sent' | 'received' | 'use' | 'will' | 'retained'

/** LMDB takes keys of 1,978 bytes; longer names are kept under their hash, and stand in the value. */
const LONGEST_NAME = 900

const short = (name: string): string =>
  name.length <= LONGEST_NAME / 3 ? name : createHash('sha256').update(name).digest('base64url')

/**
 * Writes made in one turn of the event loop share a transaction. A write resolves when it is on disk (synced), and can be
 * read from then on.
 */
export class Store {
  readonly #db: RootDatabase<unknown, Key>

  /** `path`: the folder; made when absent. */
  constructor(path: string) {
    this.#db = open({
      path,
      // Not "committed now, flushed later": whoever waits, waits for the disk.
      overlappingSync: false,
      encoder: { useRecords: false } as never,
    })
  }

  get<T>(kind: Kind, name: string, place?: number): T | undefined {
    return this.#db.get(keyOf(kind, name, place)) as T | undefined
  }

  put(kind: Kind, name: string, value: unknown, place?: number): Promise<unknown> {
    return this.#db.put(keyOf(kind, name, place), value)
  }

  remove(kind: Kind, name: string, place?: number): Promise<unknown> {
    return this.#db.remove(keyOf(kind, name, place))
  }

  /** Everything of one client, in order of place, from `from` on. */
  *each<T>(kind: Kind, name: string, from = 0): Generator<readonly [place: number, value: T]> {
    const range = { start: [kind, short(name), from], end: [kind, short(name), Number.MAX_SAFE_INTEGER] }
    for (const { key, value } of this.#db.getRange(range)) yield [Number(key[2]), value as T]
  }

  /** Everything of a kind. */
  *all<T>(kind: Kind): Generator<T> {
    const range = { start: [kind, ''], end: [kind, '\u{10ffff}'] }
    for (const { value } of this.#db.getRange(range)) yield value as T
  }

  /** Removes all that is kept of a client under these kinds. */
  clear(kinds: readonly Kind[], name: string): Promise<unknown> {
    const removed = kinds.flatMap((kind) => [...this.each(kind, name)].map(([place]) => this.remove(kind, name, place)))
    return Promise.all(removed)
  }

  close(): Promise<void> {
    return this.#db.close()
  }
}

const keyOf = (kind: Kind, name: string, place?: number): Key =>
  place === undefined ? [kind, short(name)] : [kind, short(name), place]
