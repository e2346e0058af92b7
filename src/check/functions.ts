/** The functions of a configuration, loaded when a test wants the answer of one. */

import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config/index.ts'
import { RehearsalHost } from '../host/rehearsal.ts'
import type { TranspileStore } from '../pool/cache.ts'
import type { FunctionPool, FunctionSpec } from '../pool/pool.ts'
import { Scratch } from './scratch.ts'

/**
 * Begins to transpile what these configurations name, all of it at once: another thread does, and for a second function
 * it takes half of the time. Resolves when that is done; what is wrong with a file is said by `verify`.
 */
export async function transpileAhead(configs: readonly Config[]): Promise<void> {
  const [first] = configs
  if (!first) return
  const { loadFunctions } = await import('../pool/load.ts')
  const functions = configs.flatMap((config) => config.functions)
  const each = [...new Map(functions.map((spec) => [spec.wasm, spec])).values()]
  await loadFunctions(each, await cacheOf(first)).catch(() => undefined)
}

/**
 * Opens a pool at the first call, and one for all whose functions are the same: starting its threads takes longer than
 * most tests. What a gateway has transpiled is read; nothing is written beside its journal.
 */
export class Functions implements AsyncDisposable {
  readonly #scratch = new Scratch()
  /** What they reach. */
  readonly host = new RehearsalHost(() => this.#scratch.clear())
  readonly #ahead: Promise<void>
  readonly #open: { readonly specs: readonly FunctionSpec[]; readonly pool: FunctionPool }[] = []

  /** `ahead` resolves when what is to be transpiled at once is. */
  constructor(ahead: Promise<void> = Promise.resolve()) {
    this.#ahead = ahead
  }

  /** Resolves when each file is a function. Rejects with `FUNCTION_INVALID`, one line for each that is none. */
  async verify(config: Config): Promise<void> {
    const { loadFunctions } = await import('../pool/load.ts')
    await this.#ahead
    await loadFunctions(config.functions, await cacheOf(config))
  }

  /** Resolves to a pool that has the functions of a configuration. Rejects with `FUNCTION_INVALID` when a file is none. */
  async pool(config: Config): Promise<FunctionPool> {
    // One test runs at a time: none is kept warm, and one instance of each is enough.
    const specs = config.functions.map((spec) => this.#scratch.withFolders({ ...spec, min: 0, max: 1 }))
    const open = this.#open.find((one) => serves(one.specs, specs))
    if (open) return open.pool
    const { createPool } = await import('../pool/create.ts')
    await this.#ahead
    const pool = await createPool(specs, {
      log: () => undefined,
      workers: 1,
      cache: await cacheOf(config),
      host: this.host,
    })
    this.#open.push({ specs, pool })
    return pool
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { pool } of this.#open.splice(0)) await pool[Symbol.asyncDispose]()
    this.#scratch[Symbol.dispose]()
  }
}

/** Whether these functions, and no other version of one, are among those of a pool. */
function serves(held: readonly FunctionSpec[], wanted: readonly FunctionSpec[]): boolean {
  const names = new Set(wanted.map(({ name }) => name))
  const own = held.filter(({ name }) => names.has(name))
  return own.length === wanted.length && wanted.every((spec) => own.some((each) => isDeepStrictEqual(each, spec)))
}

async function cacheOf({ journal }: Config): Promise<TranspileStore> {
  const { BorrowedCache, cacheBeside, spareFolder } = await import('../pool/cache.ts')
  return new BorrowedCache(cacheBeside(journal.path), spareFolder())
}
