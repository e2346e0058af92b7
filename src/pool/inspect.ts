/** What a file is, without running it: the interface it speaks, what it imports, and what of that it would not be given. */

import { GatewayError } from '../errors.ts'
import { type CapCount, cap } from './cap.ts'
import { asModule, compileComponent, readFunction, type Transpiled } from './component.ts'
import type { Contents } from './digest.ts'
import { checkModule, componentInterface, exportsOf, type Interface, importsOf, PREVIEW1 } from './interface.ts'
import { ComponentError } from './invalid.ts'
import { given } from './wasi/index.ts'
import { Preview1 } from './wasi/preview1.ts'

/** One import, by its full name. */
export interface Import {
  readonly name: string
  /** False when a call of it is denied. */
  readonly given: boolean
}

export interface Inspection {
  readonly kind: 'component' | 'module'
  /** Absent when it is no function. */
  readonly interface?: Interface
  /** Why it is no function. */
  readonly problem?: string
  readonly bytes: number
  readonly sha256: string
  readonly imports: readonly Import[]
  readonly exports: readonly string[]
  /** Bytes of linear memory that an instance starts with; absent when it is no function. */
  readonly memoryBytes?: number
}

/** The most that a memory of 32 bits may have: what is inspected is not capped. */
const MOST_BYTES = 2 ** 32

/** Resolves to what a file is, whether it is a function or not. Rejects with FUNCTION_INVALID when it is no WebAssembly. */
export async function inspectFunction(path: string): Promise<Inspection> {
  const { check: _, contents, transpile, ...opened } = await open(path)
  const { bytes, sha256 } = contents
  return { bytes: bytes.length, sha256, ...opened, ...(await judged(transpile, sha256)) }
}

/**
 * Resolves to what a function imports, which takes much less than to transpile it. Rejects with FUNCTION_INVALID also when
 * it shows in its exports or imports that it is none.
 */
export async function importsIn(path: string): Promise<readonly Import[]> {
  const { check, imports } = await open(path)
  try {
    check()
    return imports
  } catch (error) {
    throw invalid(path, error)
  }
}

/** A file, and what is told from it at once. */
interface Opened extends Pick<Inspection, 'kind' | 'imports' | 'exports'> {
  readonly contents: Contents
  /** Throws a ComponentError when it speaks no interface. */
  readonly check: () => void
  /** Rejects with a ComponentError when it is no function. */
  readonly transpile: () => Promise<Transpiled>
}

async function open(path: string): Promise<Opened> {
  try {
    const contents = await readFunction(path)
    const module = asModule(contents.bytes)
    return { contents, ...(await (module ? openModule(contents.bytes, module) : openComponent(contents.bytes))) }
  } catch (error) {
    throw invalid(path, error)
  }
}

function invalid(path: string, error: unknown): unknown {
  if (!(error instanceof ComponentError)) return error
  const what = `functions (pool): inspecting "${path}": it ${error.message}`
  return new GatewayError('FUNCTION_INVALID', what, { cause: error })
}

async function openModule(bytes: Uint8Array, transpiled: Transpiled): Promise<Omit<Opened, 'contents'>> {
  const module = await WebAssembly.compile(bytes).catch((cause: unknown) => {
    throw new ComponentError(`is a broken core module: ${String(cause)}`, { cause })
  })
  const host = new Preview1({ env: {}, log: () => {}, denied: () => {} })
  const imports = WebAssembly.Module.imports(module).map(({ module: from, name }) => ({
    name: `${from}.${name}`,
    given: from === PREVIEW1 && host.gives(name),
  }))
  const exports = WebAssembly.Module.exports(module).map(({ name }) => name)
  return {
    kind: 'module',
    imports,
    exports,
    check: () => checkModule(module),
    transpile: async () => transpiled,
  }
}

async function openComponent(bytes: Uint8Array): Promise<Omit<Opened, 'contents'>> {
  // Loaded when asked for: jco takes 40 MB.
  const { transpileComponent, witOf } = await import('./transpile.ts')
  const wit = await witOf(bytes)
  const imports = importsOf(wit).map((name) => ({ name, given: given(name.replace(/@.*$/, '')) }))
  const check = () => void componentInterface(wit)
  const transpile = async () => {
    check()
    return transpileComponent(bytes)
  }
  return { kind: 'component', imports, exports: exportsOf(wit), check, transpile }
}

/** Loads it as the pool would. */
async function judged(
  transpile: Opened['transpile'],
  sha256: string,
): Promise<Pick<Inspection, 'interface' | 'memoryBytes' | 'problem'>> {
  try {
    const transpiled = await transpile()
    const spec = { name: 'f', wasm: '', min: 0, max: 1, idleMs: 0, timeoutMs: 0, memoryBytes: MOST_BYTES, env: {} }
    await compileComponent(spec, transpiled, sha256)
    const count: CapCount = { memories: 0, startBytes: 0, tables: 0 }
    for (const [, core] of transpiled.cores) cap(core, MOST_BYTES, count)
    return { interface: transpiled.speaks, memoryBytes: count.startBytes }
  } catch (error) {
    if (!(error instanceof ComponentError)) throw error
    return { problem: error.message }
  }
}
