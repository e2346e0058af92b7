/** A key-value store in a Redis or Valkey server: strings under a prefix, numbers as the server's own commands keep them. */

import type { createClient, RESP_TYPES } from '@redis/client'
import type { Change, KeyPage, KeyValueStore } from '../pool/host.ts'
import type { StoreConfig } from './config.ts'
import { checkChanges, checkKey, PAGE, readValues, storeError } from './limits.ts'

/** Until a connection is open, and until a command is answered. Milliseconds. */
const CONNECT_MS = 5_000
const COMMAND_MS = 10_000
/** Commands that wait for a connection. */
const MOST_QUEUED = 1_000

/** Sets a value if what is there is what was; `absent` stands for nothing. */
const SWAP = `local now = redis.call('GET', KEYS[1])
if (ARGV[1] == '0' and not now) or (ARGV[1] == '1' and now == ARGV[2]) then
  redis.call('SET', KEYS[1], ARGV[3])
  return 1
end
return 0`

type Client = ReturnType<typeof connectTo>
type Create = typeof createClient

export class RedisStore implements KeyValueStore {
  readonly #name: string
  readonly #prefix: string
  readonly #maxValue: number
  readonly #client: Client

  private constructor(name: string, prefix: string, maxValue: number, client: Client) {
    this.#name = name
    this.#prefix = prefix
    this.#maxValue = maxValue
    this.#client = client
  }

  /** Resolves once it is connected. Rejects with a HostError when it cannot be; the URL is not told, since it holds a password. */
  static async open(
    name: string,
    url: string,
    { max_value: maxValue, prefix = `${name}:` }: Pick<StoreConfig, 'max_value' | 'prefix'>,
  ): Promise<RedisStore> {
    // Loaded when the first one is opened: a gateway without one has no use for it.
    const { createClient, RESP_TYPES } = await import('@redis/client')
    const client = connectTo(createClient, RESP_TYPES, url)
    // Who asks is told what became of the question; without a listener the process ends.
    client.on('error', () => {})
    const store = new RedisStore(name, prefix, maxValue, client)
    try {
      await within(client.connect(), CONNECT_MS)
    } catch (error) {
      client.destroy()
      throw store.#error('connecting', error)
    }
    return store
  }

  async get(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]> {
    return readValues(this.#name, keys, async (some) => {
      const values = await this.#ask('reading', (client) => client.mGet(some.map((key) => this.#key(key))))
      return values.map((value) => (value === null ? undefined : (value as unknown as Buffer)))
    })
  }

  async has(key: string): Promise<boolean> {
    return Number(await this.#ask('reading', (client) => client.exists(this.#key(key)))) > 0
  }

  async write(changes: readonly Change[]): Promise<void> {
    checkChanges(this.#name, changes, this.#maxValue)
    // Of a key that comes twice the last counts.
    const last = [...new Map(changes)]
    const set = last.flatMap(([key, value]) => (value ? [[this.#key(key), bufferOf(value)] as const] : []))
    const removed = last.flatMap(([key, value]) => (value ? [] : [this.#key(key)]))
    if (last.length === 0) return
    await this.#ask('writing', (client) => {
      const batch = client.multi()
      if (set.length > 0) batch.mSet(set.map(([key, value]) => [key, value] as [string, Buffer]))
      if (removed.length > 0) batch.del(removed)
      return batch.exec()
    })
  }

  /** Pages are what the server gives: a key that is written meanwhile may come twice or not at all. */
  async keys(cursor = '0'): Promise<KeyPage> {
    const options = { MATCH: `${this.#prefix.replace(/[*?[\]\\]/g, '\\$&')}*`, COUNT: PAGE }
    const page = await this.#ask('reading', (client) => client.scan(cursor, options))
    const skipped = Buffer.byteLength(this.#prefix)
    const keys = page.keys.map((key) => bufferOf(key).toString('utf8', skipped))
    const next = String(page.cursor)
    return next === '0' ? { keys } : { keys, cursor: next }
  }

  async increment(key: string, by: bigint): Promise<bigint> {
    const sum = await this.#ask('adding', (client) => client.sendCommand(['INCRBY', this.#key(key), String(by)]))
    return BigInt(String(sum))
  }

  async swap(key: string, was: Uint8Array | undefined, value: Uint8Array): Promise<boolean> {
    checkChanges(this.#name, [[key, value]], this.#maxValue)
    const now = [was === undefined ? '0' : '1', bufferOf(was ?? new Uint8Array()), bufferOf(value)]
    const done = await this.#ask('swapping', (client) => client.eval(SWAP, { keys: [this.#key(key)], arguments: now }))
    return Number(done) === 1
  }

  /** Ends the connection, and what is under way on it. */
  async close(): Promise<void> {
    this.#client.destroy()
  }

  async #ask<T>(doing: string, work: (client: Client) => Promise<T>): Promise<T> {
    try {
      return await within(work(this.#client))
    } catch (error) {
      throw this.#error(doing, error)
    }
  }

  #key(key: string): string {
    checkKey(this.#name, key)
    return `${this.#prefix}${key}`
  }

  #error(doing: string, cause: unknown) {
    return storeError(this.#name, doing, cause instanceof Error ? cause.message : String(cause), cause)
  }
}

/** Bytes where the server has bytes, and integers as text, since they have 64 bits. It connects again by itself; meanwhile commands wait, up to a number. */
function connectTo(create: Create, { BLOB_STRING, NUMBER }: typeof RESP_TYPES, url: string) {
  return create({
    url: url.replace(/^valkey/, 'redis'),
    commandsQueueMaxLength: MOST_QUEUED,
    socket: { connectTimeout: CONNECT_MS },
  }).withTypeMapping({ [BLOB_STRING]: Buffer, [NUMBER]: String })
}

const bufferOf = (bytes: Uint8Array | string): Buffer =>
  typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

/** Rejects when there is no answer in time. */
async function within<T>(work: Promise<T>, ms = COMMAND_MS): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${ms} ms`)), ms)
  work.catch(() => {})
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
