/** Starts the threads of the pool. */

import { setFlagsFromString } from 'node:v8'
import { type Transferable, Worker } from 'node:worker_threads'

/** Megabytes of JavaScript heap of a thread: a guest's own memory is not in it, what the host makes for a guest is. */
const HEAP_MB = 512

/**
 * Starts a thread on a file of this folder. The compile cache keeps the stripped types: without it each thread spends
 * 100 ms on them, with it 15.
 */
export function startThread(
  file: 'thread.ts' | 'loader.ts' | 'looker.ts' | 'replay-thread.ts',
  data: object,
  transferList: Transferable[] = [],
): Worker {
  // Set sooner or later by whoever collects garbage: what V8 compiled is of use only under the flags that held then.
  setFlagsFromString('--expose-gc')
  const url = JSON.stringify(new URL(file, import.meta.url).href)
  const boot = `require('node:module').enableCompileCache(); import(${url})`
  return new Worker(boot, {
    eval: true,
    workerData: data,
    transferList,
    // None of the host's flags (test runners add loaders) and, for a guest, none of its environment.
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  })
}
