/** Makes a pool: loads the functions, starts the workers. */

import { availableParallelism } from 'node:os'
import { GatewayError } from '../errors.ts'
import { versioned } from '../schema/index.ts'
import { TranspileCache, type TranspileStore } from './cache.ts'
import { Dispatcher } from './dispatcher.ts'
import type { Host } from './host.ts'
import { loadFunctions } from './load.ts'
import type { FunctionDenied, FunctionLog, FunctionPool, FunctionSpec } from './pool.ts'

export interface PoolOptions {
  /** Gets what functions write. */
  readonly log: FunctionLog
  /** Is told of each thing that a call is denied, once and before its answer. */
  readonly denied?: FunctionDenied
  /** What functions reach of the gateway while they run, if `allow` grants it; nothing when absent. */
  readonly host?: Host
  /** Worker threads that run calls; one more is kept as a spare. The machine's cores less one, at least one, by default. */
  readonly workers?: number
  /** Calls of one function that may wait; one more is refused. 1,000 by default. */
  readonly queue?: number
  /** Keeps what functions are transpiled to: in a folder, for the next start. Its files are run, so it must be ours alone. */
  readonly cache?: string | TranspileStore
  /** The clock that hints go by, in milliseconds since the epoch; the machine's by default. */
  readonly now?: () => number
}

const QUEUE = 1_000

/**
 * Resolves once every function is loaded and the workers are starting: `ready(name)` says when a function is warm.
 * Rejects with `FUNCTION_INVALID`, one line for each file that is no function, or `CONFIG_INVALID` for a name used twice.
 */
export async function createPool(functions: readonly FunctionSpec[], options: PoolOptions): Promise<FunctionPool> {
  const names = new Set<string>()
  for (const full of functions.map(versioned)) {
    if (names.has(full))
      throw new GatewayError('CONFIG_INVALID', `${full} (function): reading the configuration: defined twice`)
    names.add(full)
  }
  const cache = typeof options.cache === 'string' ? new TranspileCache(options.cache) : options.cache
  const codes = await loadFunctions(functions, cache)
  // In the background: nobody waits for that.
  void cache?.purge(codes.flatMap(({ compiled }) => compiled ?? []))
  return new Dispatcher(functions, codes, {
    log: options.log,
    denied: options.denied,
    host: options.host,
    workers: Math.max(1, options.workers ?? availableParallelism() - 1),
    queue: options.queue ?? QUEUE,
    now: options.now ?? Date.now,
  })
}
