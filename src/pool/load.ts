/** Loads functions in a thread of its own, which ends afterwards: transpiling takes memory, and up to half a second each. */

import { once } from 'node:events'
import { GatewayError } from '../errors.ts'
import type { FunctionCode } from './instance.ts'
import type { FunctionSpec } from './pool.ts'
import { startThread } from './start.ts'

/** What the loading thread answers, per function. */
export type Loaded = { readonly code: FunctionCode } | { readonly problem: string }

/** Resolves to the code of each function, in order. Rejects with `FUNCTION_INVALID`, which names every bad file. */
export async function loadFunctions(functions: readonly FunctionSpec[]): Promise<FunctionCode[]> {
  if (functions.length === 0) return []
  const thread = startThread('loader.ts', { functions })
  try {
    const [loaded] = (await once(thread, 'message')) as [readonly Loaded[]]
    return reject(functions, loaded)
  } finally {
    await thread.terminate()
  }
}

function reject(functions: readonly FunctionSpec[], loaded: readonly Loaded[]): FunctionCode[] {
  const problems: string[] = []
  const codes: FunctionCode[] = []
  for (const [index, { name, wasm }] of functions.entries()) {
    const result = loaded[index]
    if (result && 'code' in result) codes.push(result.code)
    else problems.push(`${name} (function): loading "${wasm}": ${result?.problem ?? 'nothing was answered'}`)
  }
  if (problems.length > 0) throw new GatewayError('FUNCTION_INVALID', problems.join('\n'))
  return codes
}
