/** Loads functions: what is known is used again, what is new is transpiled in a thread that ends afterwards. */

import { hash } from 'node:crypto'
import { on } from 'node:events'
import { GatewayError } from '../errors.ts'
import { versioned } from '../schema/index.ts'
import type { TranspileStore } from './cache.ts'
import { asModule, compileComponent, readFunction, type Transpiled } from './component.ts'
import { type Contents, lookAt } from './digest.ts'
import { NO_GRANTS } from './grants.ts'
import type { FunctionCode } from './instance.ts'
import { ComponentError } from './invalid.ts'
import type { Loaded, Unloaded } from './loader.ts'
import type { FunctionSpec } from './pool.ts'
import { startThread } from './start.ts'
import { waitingKinds } from './suspension.ts'

/** What was loaded last, by what it was made of: a new generation of the configuration loads only what changed. */
const known = new Map<string, FunctionCode>()

/**
 * Resolves to the code of each function, in order; what jco makes is kept in the `store`, when there is one.
 * Rejects with `FUNCTION_INVALID`, which names every bad file.
 */
export async function loadFunctions(
  functions: readonly FunctionSpec[],
  store?: TranspileStore,
): Promise<FunctionCode[]> {
  const found = await Promise.all(functions.map((spec) => orProblem(find(spec, store))))
  const fresh = found.filter((each) => each instanceof Fresh)
  const transpiled = await transpileInThread(fresh, store)
  const results = await Promise.all(
    functions.map((spec, index) => {
      const each = found[index]
      if (!(each instanceof Fresh)) return each ?? new ComponentError('was not loaded')
      const made = transpiled[fresh.indexOf(each)] ?? new ComponentError('was not transpiled')
      return 'cores' in made ? orProblem(compileComponent(spec, made, each.sha256)) : made
    }),
  )
  const codes = accept(functions, results)
  // What is in no pool any more is not kept.
  known.clear()
  for (const [index, spec] of functions.entries()) {
    const code = codes[index]
    if (code) known.set(keyOf(spec, code.sha256), code)
  }
  return codes
}

/** Changes when what is made of a file does. */
const keyOf = ({ grants, memoryBytes }: FunctionSpec, sha256: string): string =>
  JSON.stringify([sha256, memoryBytes, waitingKinds(grants)])

/** A component that nothing was made of before. */
class Fresh implements Unloaded {
  readonly bytes: Uint8Array
  readonly kinds: Unloaded['kinds']
  readonly sha256: string

  constructor({ bytes, sha256 }: Contents, kinds: Unloaded['kinds']) {
    this.bytes = bytes
    this.kinds = kinds
    this.sha256 = sha256
  }

  get identity(): string {
    return identityOf(this.sha256, this.kinds)
  }
}

/** What tells one thing that is made of a component from another. */
const identityOf = (sha256: string, kinds: Unloaded['kinds']): string =>
  kinds.length === 0 ? sha256 : hash('sha256', `${sha256} ${kinds.join()}`)

/** What is known of a file, or made of what the store has of it; nothing of it is read for that but its digest. */
async function find(spec: FunctionSpec, store: TranspileStore | undefined): Promise<FunctionCode | Fresh> {
  const kinds = waitingKinds(spec.grants)
  // Of a file that cannot be read it is said below why.
  const looked = await lookAt(spec.wasm).catch(() => undefined)
  if (looked) {
    const loaded = known.get(keyOf(spec, looked.sha256))
    if (loaded) return loaded
    const identity = identityOf(looked.sha256, kinds)
    const held = await store?.get(identity)
    if (held) return compileComponent(spec, { ...held, compiled: store?.compiled(identity) }, looked.sha256)
  }
  const contents = await readFunction(spec.wasm, looked)
  const module = asModule(contents.bytes)
  return module ? compileComponent(spec, module, contents.sha256) : new Fresh(contents, kinds)
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
      made.push(await stored(loaded, components[made.length]?.identity ?? '', store))
      if (made.length === components.length) break
    }
    return made
  } finally {
    await thread.terminate()
  }
}

async function stored(
  loaded: Loaded,
  identity: string,
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
