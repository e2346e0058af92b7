/** The thread that transpiles components: answers for each in turn, and is ended. */

import { parentPort, workerData } from 'node:worker_threads'
import type { Transpiled } from './component.ts'
import { ComponentError } from './invalid.ts'
import type { WaitingKind } from './suspension.ts'
import { transpileComponent } from './transpile.ts'

/** What became of each component. */
export type Loaded = { readonly transpiled: Transpiled } | { readonly problem: string }

/** A component, and what it may wait for. */
export interface Unloaded {
  readonly bytes: Uint8Array
  readonly kinds: readonly WaitingKind[]
}

const load = ({ bytes, kinds }: Unloaded): Promise<Loaded> =>
  transpileComponent(bytes, kinds).then(
    (transpiled) => ({ transpiled }),
    (error: unknown) => ({ problem: error instanceof ComponentError ? error.message : String(error) }),
  )

const { components } = workerData as { components: readonly Unloaded[] }
// One after the other: two transpilations at once take twice the memory and no less time.
for (const component of components) parentPort?.postMessage(await load(component))
