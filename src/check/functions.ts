/** The functions of a configuration, loaded when a test wants the answer of one. */

import type { Config } from '../config/index.ts'
import type { FunctionPool } from '../pool/pool.ts'

/** Opens the pool at the first call, once. What functions are compiled to is kept where a gateway keeps it. */
export class Functions implements AsyncDisposable {
  readonly #config: Config
  #pool: Promise<FunctionPool> | undefined

  constructor(config: Config) {
    this.#config = config
  }

  /** Resolves when each file is a function. Rejects with `FUNCTION_INVALID`, one line for each that is none. */
  async verify(): Promise<void> {
    const [{ cacheBeside }, { loadFunctions }] = await Promise.all([
      import('../pool/cache.ts'),
      import('../pool/load.ts'),
    ])
    await loadFunctions(this.#config.functions, cacheBeside(this.#config.journal.path))
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
    const { cacheBeside, createPool } = await import('../pool/index.ts')
    // One test runs at a time: none is kept warm, and one instance of each is enough.
    const specs = this.#config.functions.map((spec) => ({ ...spec, min: 0, max: 1 }))
    return createPool(specs, { log: () => undefined, workers: 1, cache: cacheBeside(this.#config.journal.path) })
  }
}
