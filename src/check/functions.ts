/** The functions of a configuration, loaded when a test wants the answer of one. */

import { dirname, join, resolve } from 'node:path'
import type { Config } from '../config/index.ts'
import type { FunctionPool } from '../pool/pool.ts'

/** Opens the pool at the first call, once. */
export class Functions implements AsyncDisposable {
  readonly #config: Config
  #pool: Promise<FunctionPool> | undefined

  constructor(config: Config) {
    this.#config = config
  }

  /** What functions are compiled to is kept where a gateway of this configuration keeps it. */
  static cache({ journal }: Pick<Config, 'journal'>): string {
    return join(dirname(resolve(journal.path)), 'functions')
  }

  /** Resolves when each file is a function. Rejects with `FUNCTION_INVALID`, one line for each that is none. */
  async verify(): Promise<void> {
    const { loadFunctions } = await import('../pool/load.ts')
    await loadFunctions(this.#config.functions, Functions.cache(this.#config))
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
    return createPool(specs, { log: () => undefined, workers: 1, cache: Functions.cache(this.#config) })
  }
}
