/** The thread that loads functions: reads, checks, transpiles and compiles each, answers once, and is ended. */

import { parentPort, workerData } from 'node:worker_threads'
import { ComponentError, loadComponent } from './component.ts'
import type { Loaded } from './load.ts'
import type { FunctionSpec } from './pool.ts'

const load = (spec: FunctionSpec): Promise<Loaded> =>
  loadComponent(spec).then(
    (code) => ({ code }),
    (error: unknown) => ({ problem: error instanceof ComponentError ? error.message : String(error) }),
  )

const { functions } = workerData as { functions: readonly FunctionSpec[] }
const loaded: Loaded[] = []
// One after the other: two transpilations at once take twice the memory and no less time.
for (const spec of functions) loaded.push(await load(spec))
parentPort?.postMessage(loaded)
