/** Loads functions in a thread of its own, which ends afterwards: transpiling takes memory, and up to half a second each. */

import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { GatewayError } from '../errors.ts'
import type { FunctionCode } from './instance.ts'
import type { FunctionSpec } from './pool.ts'
import { startThread } from './start.ts'

/** What the loading thread answers, per function. */
export type Loaded = { readonly code: FunctionCode } | { readonly problem: string }

/** What was loaded before, by file and cap: a new generation of the configuration loads only what changed. */
const known = new Map<string, Loaded>()

/** Resolves to the code of each function, in order. Rejects with `FUNCTION_INVALID`, which names every bad file. */
export async function loadFunctions(functions: readonly FunctionSpec[]): Promise<FunctionCode[]> {
  const keys = await Promise.all(functions.map(keyOf))
  const fresh = functions.filter((_, index) => !known.has(keys[index] ?? ''))
  const loaded = fresh.length > 0 ? await loadInThread(fresh) : []
  const results = functions.map((spec, index) => loaded[fresh.indexOf(spec)] ?? known.get(keys[index] ?? ''))
  // What is in no pool any more is not kept.
  known.clear()
  for (const [index, result] of results.entries()) if (result && 'code' in result) known.set(keys[index] ?? '', result)
  return accept(functions, results)
}

/** Changes when the file does, or what is made of it. */
async function keyOf({ wasm, memoryBytes }: FunctionSpec): Promise<string> {
  const { ino, size, mtimeMs } = await stat(wasm).catch(() => ({ ino: 0, size: 0, mtimeMs: 0 }))
  return JSON.stringify([wasm, memoryBytes, ino, size, mtimeMs])
}

async function loadInThread(functions: readonly FunctionSpec[]): Promise<readonly Loaded[]> {
  const thread = startThread('loader.ts', { functions })
  try {
    const [loaded] = (await once(thread, 'message')) as [readonly Loaded[]]
    return loaded
  } finally {
    await thread.terminate()
  }
}

function accept(functions: readonly FunctionSpec[], results: readonly (Loaded | undefined)[]): FunctionCode[] {
  const problems: string[] = []
  const codes: FunctionCode[] = []
  for (const [index, { name, version = '', wasm, env, timeoutMs }] of functions.entries()) {
    const result = results[index]
    if (result && 'code' in result) codes.push({ ...result.code, name, version, env, timeoutMs })
    else problems.push(`${name} (function): loading "${wasm}": ${result?.problem ?? 'nothing was answered'}`)
  }
  if (problems.length > 0) throw new GatewayError('FUNCTION_INVALID', problems.join('\n'))
  return codes
}
