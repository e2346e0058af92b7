/** Loads functions: what is known is used again, what is new is transpiled in a thread that ends afterwards. */

import { hash } from 'node:crypto'
import { on } from 'node:events'
import { stat } from 'node:fs/promises'
import { GatewayError } from '../errors.ts'
import { versioned } from '../schema/index.ts'
import type { TranspileStore } from './cache.ts'
import { asModule, compileComponent, readFunction, type Transpiled } from './component.ts'
import { NO_GRANTS } from './grants.ts'
import type { FunctionCode } from './instance.ts'
import { ComponentError } from './invalid.ts'
import type { Loaded, Unloaded } from './loader.ts'
import type { FunctionSpec } from './pool.ts'
import { startThread } from './start.ts'
import { waitingKinds } from './suspension.ts'

/** What was loaded last, by file and cap: a new generation of the configuration loads only what changed. */
const known = new Map<string, FunctionCode>()

/**
 * Resolves to the code of each function, in order; what jco makes is kept in the `store`, when there is one.
 * Rejects with `FUNCTION_INVALID`, which names every bad file.
 */
export async function loadFunctions(
  functions: readonly FunctionSpec[],
  store?: TranspileStore,
): Promise<FunctionCode[]> {
  const keys = await Promise.all(functions.map(keyOf))
  const digests = new Map<string, string>()
  const found = await Promise.all(
    functions.map((spec, index) => known.get(keys[index] ?? '') ?? orProblem(find(spec, store, digests))),
  )
  const fresh = found.filter((each) => each instanceof Fresh)
  const transpiled = await transpileInThread(fresh, store)
  const results = await Promise.all(
    functions.map((spec, index) => {
      const each = found[index]
      const made = each instanceof Fresh ? transpiled[fresh.indexOf(each)] : each
      if (made === undefined) return new ComponentError('was not transpiled')
      return 'cores' in made ? orProblem(compileComponent(spec, made, digests.get(spec.wasm) ?? '')) : made
    }),
  )
  const codes = accept(functions, results)
  // What is in no pool any more is not kept.
  known.clear()
  for (const [index, code] of codes.entries()) known.set(keys[index] ?? '', code)
  return codes
}

/** Changes when the file does, or what is made of it. */
async function keyOf({ grants, wasm, memoryBytes }: FunctionSpec): Promise<string> {
  const { ino, size, mtimeMs } = await stat(wasm).catch(() => ({ ino: 0, size: 0, mtimeMs: 0 }))
  return JSON.stringify([wasm, memoryBytes, waitingKinds(grants), ino, size, mtimeMs])
}

/** A component that nothing was made of before. */
class Fresh implements Unloaded {
  readonly bytes: Uint8Array
  readonly kinds: Unloaded['kinds']

  constructor(bytes: Uint8Array, kinds: Unloaded['kinds']) {
    this.bytes = bytes
    this.kinds = kinds
  }

  /** What tells one thing that is made of a component from another. */
  get identity(): Uint8Array {
    return this.kinds.length === 0 ? this.bytes : Buffer.concat([this.bytes, Buffer.from(this.kinds.join())])
  }
}

/** What the store has of a file, or else its bytes; enters its SHA-256. */
async function find(
  { grants, wasm }: FunctionSpec,
  store: TranspileStore | undefined,
  digests: Map<string, string>,
): Promise<Transpiled | Fresh> {
  const bytes = await readFunction(wasm)
  digests.set(wasm, hash('sha256', bytes))
  const fresh = new Fresh(bytes, waitingKinds(grants))
  const held = asModule(bytes) ?? (await store?.get(fresh.identity))
  return held ? { ...held, compiled: store?.compiled(fresh.identity) } : fresh
}

/** What is made is stored one by one: a start that is given up in the middle is ahead by that the next time. */
async function transpileInThread(
  components: readonly Fresh[],
  store: TranspileStore | undefined,
): Promise<(Transpiled | ComponentError)[]> {
  if (components.length === 0) return []
  const thread = startThread('loader.ts', { components: components.map(({ bytes, kinds }) => ({ bytes, kinds })) })
  try {
    const made: (Transpiled | ComponentError)[] = []
    for await (const [loaded] of on(thread, 'message') as AsyncIterable<[Loaded]>) {
      made.push(await stored(loaded, components[made.length]?.identity ?? new Uint8Array(), store))
      if (made.length === components.length) break
    }
    return made
  } finally {
    await thread.terminate()
  }
}

async function stored(
  loaded: Loaded,
  identity: Uint8Array,
  store: TranspileStore | undefined,
): Promise<Transpiled | ComponentError> {
  if ('problem' in loaded) return new ComponentError(loaded.problem)
  await store?.put(identity, loaded.transpiled)
  return { ...loaded.transpiled, compiled: store?.compiled(identity) }
}

const orProblem = <T>(work: Promise<T>): Promise<T | ComponentError> =>
  work.catch((error: unknown) => {
    if (error instanceof ComponentError) return error
    throw error
  })

function accept(
  functions: readonly FunctionSpec[],
  results: readonly (FunctionCode | ComponentError)[],
): FunctionCode[] {
  const problems: string[] = []
  const codes: FunctionCode[] = []
  for (const [index, spec] of functions.entries()) {
    const { name, version = '', entry, wasm, env, grants = NO_GRANTS, timeoutMs, reuse, output, record } = spec
    const result = results[index]
    if (result && 'modules' in result)
      codes.push({ ...result, name, version, entry, env, grants, timeoutMs, reuse, output, record })
    else problems.push(`${versioned(spec)} (function): loading "${wasm}": ${result?.message}`)
  }
  if (problems.length > 0) throw new GatewayError('FUNCTION_INVALID', problems.join('\n'))
  return codes
}
