/** A key-value store on disk: what it acknowledges is there after a crash. */

import type { Change, KeyPage, KeyValueStore } from '../pool/host.ts'
import type { StoreConfig } from './config.ts'
import { checkChanges, checkKey, PAGE, readValues, storeError, sum } from './limits.ts'
import type { Shelf } from './shelf.ts'

/** Between the name of a store and a key; no name has it. */
const KEYS = 0
const AFTER = 1

export class DiskStore implements KeyValueStore {
  readonly #name: string
  readonly #limits: Pick<StoreConfig, 'max_value' | 'max_size'>
  readonly #shelf: Shelf
  /** Where the bytes of all keys and values stand. */
  readonly #total: Buffer
  #bytes: number

  constructor(name: string, limits: Pick<StoreConfig, 'max_value' | 'max_size'>, shelf: Shelf) {
    this.#name = name
    this.#limits = limits
    this.#shelf = shelf
    this.#total = Buffer.from(`\0${name}`)
    this.#bytes = Number(shelf.latest(this.#total)?.toString() ?? 0)
  }

  async get(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]> {
    return readValues(this.#name, keys, (some) => Promise.all(some.map((key) => this.#shelf.durable(this.#key(key)))))
  }

  async has(key: string): Promise<boolean> {
    return (await this.#shelf.durable(this.#key(key))) !== undefined
  }

  async write(changes: readonly Change[]): Promise<void> {
    checkChanges(this.#name, changes, this.#limits.max_value)
    // Of a key that comes twice the last counts.
    const last = new Map(changes)
    let bytes = this.#bytes
    const writes = [...last].map(([key, value]) => {
      const at = this.#key(key)
      bytes += sizeOf(at, value) - sizeOf(at, this.#shelf.latest(at))
      return [at, value && Buffer.from(value.buffer, value.byteOffset, value.length)] as const
    })
    if (bytes > this.#limits.max_size && bytes > this.#bytes)
      throw this.#error('writing', `it is full; raise stores.${this.#name}.max_size, or delete keys`)
    this.#bytes = bytes
    await this.#commit([...writes, [this.#total, Buffer.from(String(bytes))]])
  }

  async keys(cursor: string | undefined): Promise<KeyPage> {
    // One that a page ended with is a key.
    if (cursor !== undefined) checkKey(this.#name, cursor)
    const end = Buffer.from(`${this.#name}${String.fromCharCode(AFTER)}`)
    const start = cursor === undefined ? this.#at('') : Buffer.concat([this.#at(cursor), Buffer.of(0)])
    const found = this.#shelf.keys(start, end, PAGE)
    const keys = found.map((key) => key.toString('utf8', this.#at('').length))
    const last = keys.at(-1)
    return found.length < PAGE || last === undefined ? { keys } : { keys, cursor: last }
  }

  async increment(key: string, by: bigint): Promise<bigint> {
    // In one turn of the event loop: nobody writes between the reading and the writing.
    const total = sum(this.#name, key, this.#shelf.latest(this.#key(key)), by)
    await this.write([[key, Buffer.from(String(total))]])
    return total
  }

  async swap(key: string, was: Uint8Array | undefined, value: Uint8Array): Promise<boolean> {
    const held = this.#shelf.latest(this.#key(key))
    const same = held === undefined || was === undefined ? held === was : held.equals(was)
    if (same) await this.write([[key, value]])
    return same
  }

  async #commit(changes: Parameters<Shelf['write']>[0]): Promise<void> {
    try {
      await this.#shelf.write(changes)
    } catch (error) {
      // What others wrote meanwhile is lost as well, or on its way: the disk knows.
      this.#bytes = Number(this.#shelf.latest(this.#total)?.toString() ?? 0)
      throw this.#error('writing', error instanceof Error ? error.message : String(error), error)
    }
  }

  #key(key: string): Buffer {
    checkKey(this.#name, key)
    return this.#at(key)
  }

  #at(key: string): Buffer {
    return Buffer.from(`${this.#name}${String.fromCharCode(KEYS)}${key}`)
  }

  #error(doing: string, what: string, cause?: unknown) {
    return storeError(this.#name, doing, what, cause)
  }
}

const sizeOf = (key: Buffer, value: Uint8Array | undefined): number =>
  value === undefined ? 0 : key.length + value.length
