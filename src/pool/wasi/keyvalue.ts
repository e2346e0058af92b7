/** `wasi:keyvalue`: the stores that a function is granted, in the two drafts that components are built for. */

import type { Grants } from '../grants.ts'
import { wanting } from '../grants.ts'
import { HostError } from '../host.ts'
import { BATCH_KEYS } from '../limits.ts'
import type { Port } from '../port.ts'
import { lifting } from './budget.ts'
import type { Denied } from './denial.ts'
import { Resource } from './resource.ts'

/** `draft` has numbers as cursors and no swap; what `get-many` gives differs as well. */
export type Draft = 'draft' | 'draft2'

type Value = Uint8Array | undefined

/** What a place in a list of keys counts beside the key. */
const CURSOR_BYTES = 64

/** Makes the interfaces for one guest. Without a port there is none that could be opened. */
export function keyvalue(grants: Grants | undefined, denied: Denied, port: Port | undefined, draft: Draft) {
  const open = (name: string): Bucket => {
    lifting.reset()
    if (port && grants?.kv.includes(name)) return new Bucket(name, port, draft)
    denied('wasi:keyvalue/store#open', wanting.kv(name))
    throw { tag: 'access-denied' }
  }
  return {
    'wasi:keyvalue/store': { open, Bucket },
    'wasi:keyvalue/atomics': { increment, swap, Cas },
    'wasi:keyvalue/batch': draft === 'draft2' ? { ...BATCH, getMany } : { ...BATCH, getMany: getManyFound },
  }
}

class Bucket extends Resource {
  readonly name: string
  readonly port: Port
  readonly #draft: Draft
  /** Where pages begin, by the numbers that stand for it in the older draft. */
  readonly #cursors: string[] = []

  constructor(name: string, port: Port, draft: Draft) {
    super()
    this.name = name
    this.port = port
    this.#draft = draft
  }

  async get(key: string): Promise<Value> {
    const [value] = await asking(this.port.ask('kv.get', { store: this.name, keys: [key] }))
    return value
  }

  set(key: string, value: Uint8Array): Promise<undefined> {
    return asking(this.port.ask('kv.write', { store: this.name, changes: [[key, value]] }))
  }

  delete(key: string): Promise<undefined> {
    return asking(this.port.ask('kv.write', { store: this.name, changes: [[key, undefined]] }))
  }

  exists(key: string): Promise<boolean> {
    return asking(this.port.ask('kv.has', { store: this.name, key }))
  }

  async listKeys(cursor: string | bigint | undefined): Promise<{ keys: readonly string[]; cursor: unknown }> {
    const from = typeof cursor === 'bigint' ? this.#cursors[Number(cursor) - 1] : cursor
    const page = await asking(this.port.ask('kv.keys', { store: this.name, cursor: from }))
    return { keys: page.keys, cursor: this.#draft === 'draft2' ? page.cursor : this.#numbered(page.cursor) }
  }

  #numbered(cursor: string | undefined): bigint | undefined {
    if (cursor === undefined) return undefined
    this.keep(CURSOR_BYTES + cursor.length)
    this.#cursors.push(cursor)
    return BigInt(this.#cursors.length)
  }
}

/** What a key held when it was made. */
class Cas extends Resource {
  readonly bucket: Bucket
  readonly key: string
  readonly was: Value

  private constructor(bucket: Bucket, key: string, was: Value) {
    super()
    this.keep(key.length + (was?.length ?? 0))
    this.bucket = bucket
    this.key = key
    this.was = was
  }

  /** `new` of the interface. */
  static async new(bucket: Bucket, key: string): Promise<Cas> {
    return new Cas(bucket, key, await bucket.get(key))
  }

  current(): Value {
    return this.was
  }
}

async function swap(cas: Cas, value: Uint8Array): Promise<void> {
  const { bucket, key, was } = cas
  cas.release()
  let done: boolean
  let now: Cas | undefined
  try {
    done = await asking(bucket.port.ask('kv.swap', { store: bucket.name, key, was, value }))
    if (!done) now = await Cas.new(bucket, key)
  } catch (error) {
    // A trap ends the guest.
    throw error instanceof Error ? error : { tag: 'store-error', val: error }
  }
  if (now) throw { tag: 'cas-failed', val: now }
}

const increment = ({ name, port }: Bucket, key: string, by: bigint): Promise<bigint> =>
  asking(port.ask('kv.increment', { store: name, key, by }))

const BATCH = {
  async setMany({ name, port }: Bucket, pairs: readonly (readonly [string, Uint8Array])[]): Promise<undefined> {
    checkBatch(pairs)
    return asking(port.ask('kv.write', { store: name, changes: pairs }))
  },
  async deleteMany({ name, port }: Bucket, keys: readonly string[]): Promise<undefined> {
    checkBatch(keys)
    return asking(port.ask('kv.write', { store: name, changes: keys.map((key) => [key, undefined]) }))
  },
}

/** The gateway reads and writes them one after the other, and does nothing else meanwhile. */
function checkBatch({ length }: { readonly length: number }): void {
  if (length <= BATCH_KEYS) return
  lifting.reset()
  throw { tag: 'other', val: `a batch of ${length} keys; ${BATCH_KEYS} are the most at once` }
}

async function getMany({ name, port }: Bucket, keys: readonly string[]): Promise<[string, Value][]> {
  checkBatch(keys)
  const values = await asking(port.ask('kv.get', { store: name, keys }))
  return keys.map((key, index) => [key, values[index]])
}

async function getManyFound(bucket: Bucket, keys: readonly string[]): Promise<([string, Value] | undefined)[]> {
  return (await getMany(bucket, keys)).map((pair) => (pair[1] === undefined ? undefined : pair))
}

const CASES = new Set(['no-such-store', 'access-denied'])

/** What goes wrong is said in the terms of the interface. */
async function asking<T>(answer: Promise<T>): Promise<T> {
  lifting.reset()
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    throw CASES.has(error.kind) ? { tag: error.kind } : { tag: 'other', val: error.message }
  }
}
