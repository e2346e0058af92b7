/** The function pool: warm Wasm instances in worker threads, behind one call. */

export { cacheBeside } from './cache.ts'
export { functionConfig } from './config.ts'
export { createPool, type PoolOptions } from './create.ts'
export { type Digests, digestsOf, type Filed, freshOf, sameFiles, VersionDigests } from './digests.ts'
export { type Import, type Inspection, inspectFunction } from './inspect.ts'
export type { Interface } from './interface.ts'
export type * from './pool.ts'
