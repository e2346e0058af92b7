/** The functions of a configuration, loaded when a test wants the answer of one. */

import type { Config } from '../config/index.ts'
import type { TranspileStore } from '../pool/cache.ts'
import type { FunctionPool } from '../pool/pool.ts'

/** Opens the pool at the first call, once. What a gateway has transpiled is read; nothing is written. */
export class Functions implements AsyncDisposable {
  readonly #config: Config
  #pool: Promise<FunctionPool> | undefined

  constructor(config: Config) {
    this.#config = config
  }

  /** Resolves when each file is a function. Rejects with `FUNCTION_INVALID`, one line for each that is none. */
  async verify(): Promise<void> {
    const { loadFunctions } = await import('../pool/load.ts')
    await loadFunctions(this.#config.functions, await this.#cache())
  }

  /** Resolves to the pool. Rejects with `FUNCTION_INVALID` when a file is no function. */
  readonly pool = (): Promise<FunctionPool> => {
    this.#pool ??= this.#open()
    return this.#pool
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#pool)?.[Symbol.asyncDispose]()
  }

  async #open(): Promise<FunctionPool> {
    const { createPool } = await import('../pool/index.ts')
    // One test runs at a time: none is kept warm, and one instance of each is enough.
    const specs = this.#config.functions.map((spec) => ({ ...spec, min: 0, max: 1 }))
    return createPool(specs, { log: () => undefined, workers: 1, cache: await this.#cache() })
  }

  async #cache(): Promise<TranspileStore> {
    const { cacheBeside, UnwrittenCache } = await import('../pool/cache.ts')
    return new UnwrittenCache(cacheBeside(this.#config.journal.path))
  }
}
