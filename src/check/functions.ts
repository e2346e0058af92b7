/** The functions of a configuration, loaded when a test wants the answer of one. */

import type { Config } from '../config/index.ts'
import type { TranspileStore } from '../pool/cache.ts'
import type { FunctionPool } from '../pool/pool.ts'

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

/** Opens the pool at the first call, once. What a gateway has transpiled is read; nothing is written. */
export class Functions implements AsyncDisposable {
  readonly #config: Config
  readonly #ahead: Promise<void>
  #pool: Promise<FunctionPool> | undefined

  /** `ahead` resolves when what is to be transpiled at once is. */
  constructor(config: Config, ahead: Promise<void> = Promise.resolve()) {
    this.#config = config
    this.#ahead = ahead
  }

  /** Resolves when each file is a function. Rejects with `FUNCTION_INVALID`, one line for each that is none. */
  async verify(): Promise<void> {
    const { loadFunctions } = await import('../pool/load.ts')
    await this.#ahead
    await loadFunctions(this.#config.functions, await cacheOf(this.#config))
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
    const { createPool } = await import('../pool/create.ts')
    await this.#ahead
    // One test runs at a time: none is kept warm, and one instance of each is enough.
    const specs = this.#config.functions.map((spec) => ({ ...spec, min: 0, max: 1, warm: [] }))
    return createPool(specs, { log: () => undefined, workers: 1, cache: await cacheOf(this.#config) })
  }
}

async function cacheOf({ journal }: Config): Promise<TranspileStore> {
  const { cacheBeside, UnwrittenCache } = await import('../pool/cache.ts')
  return new UnwrittenCache(cacheBeside(journal.path))
}
