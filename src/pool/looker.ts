/** The thread that looks at files for a gateway that runs, and is ended: jco takes 40 MB, and on large files the turn of all else. */

import { parentPort, workerData } from 'node:worker_threads'
import { GatewayError } from '../errors.ts'
import { type Import, importsIn, inspectFunction } from './inspect.ts'

/** What to look at. */
export interface Look {
  readonly paths: readonly string[]
  /** Whether each is loaded as the pool would: what is no function has a `problem` then. */
  readonly whole: boolean
}

/** What a file imports, or what is wrong with it, as what goes on from its name. */
export type Looked = { readonly imports: readonly Import[] } | { readonly problem: string }

async function lookAt(path: string, whole: boolean): Promise<Looked> {
  try {
    if (!whole) return { imports: await importsIn(path) }
    const { imports, problem } = await inspectFunction(path)
    return problem === undefined ? { imports } : { problem }
  } catch (error) {
    const cause = error instanceof GatewayError ? error.cause : error
    return { problem: cause instanceof Error ? cause.message : String(cause) }
  }
}

const { paths, whole } = workerData as Look
const looked: Looked[] = []
for (const path of paths) looked.push(await lookAt(path, whole))
parentPort?.postMessage(looked)
