/** Starts the threads of the pool. */

import { setFlagsFromString } from 'node:v8'
import { type Transferable, Worker } from 'node:worker_threads'

/** Megabytes of JavaScript heap of a thread: a guest's own memory is not in it, what the host makes for a guest is. */
const HEAP_MB = 512

/**
 * Set before anything is compiled for a thread: what V8 compiled is of use only under the flags that held then. They hold
 * for the process. The engine's four threads that collect garbage at once would take the cores from calls while one
 * function leaves much of it: beside a guest that makes its memory grow, p99 was 6.6 ms with all of them and 3.5 to 4.4
 * with one, on two cores, and the path was as fast (0.999x, 40 pairs by turns).
 */
const FLAGS = [
  // Whoever collects garbage asks for it sooner or later.
  '--expose-gc',
  '--concurrent-marking-max-worker-num=1',
  '--no-parallel-compaction',
  '--no-parallel-pointer-update',
] as const

/**
 * Starts a thread on a file of this folder. The compile cache keeps the stripped types: without it each thread spends
 * 100 ms on them, with it 15.
 */
export function startThread(
  file: 'thread.ts' | 'loader.ts' | 'looker.ts' | 'replay-thread.ts',
  data: object,
  transferList: Transferable[] = [],
): Worker {
  for (const flag of FLAGS) setFlagsFromString(flag)
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
