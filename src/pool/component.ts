/** A .wasm file on its way to code that workers can run: read, and capped and compiled once it is transpiled. */

import { readFile } from 'node:fs/promises'
import { type CapCount, CapError, cap } from './cap.ts'
import type { FunctionCode } from './instance.ts'
import { MEMORIES } from './limits.ts'
import type { FunctionSpec } from './pool.ts'

/** Thrown for a file that is no function; the message is what is wrong, and what to do. */
export class ComponentError extends Error {}

/** What jco makes of a component. */
export interface Transpiled {
  /** The body of a function that returns `instantiate`, UTF-8. */
  readonly source: Uint8Array
  /** The core modules by the names that the source asks for. */
  readonly cores: readonly (readonly [name: string, bytes: Uint8Array])[]
}

/** What helps against most mistakes. */
export const BUILD = 'build it against functions/wit, as functions/README.md shows'

const MAGIC = Buffer.from('\0asm')

/** Reads a file. Rejects with a ComponentError when it is missing or no component. */
export async function readComponent(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    const what = 'does not exist; build it with npm run build:functions, or correct the path'
    throw new ComponentError(missing ? what : firstLine(cause), { cause })
  })
  if (bytes.length === 0) throw new ComponentError(`is empty; ${BUILD}`)
  const start = JSON.stringify(bytes.subarray(0, 16).toString('latin1'))
  if (bytes.length < 8 || !MAGIC.equals(bytes.subarray(0, 4)))
    throw new ComponentError(`is not WebAssembly: it begins with ${start}; ${BUILD}`)
  // Layer 0 is a core module, layer 1 a component.
  if (bytes[6] === 0)
    throw new ComponentError(`is a core module, not a component; make it one with jco new, or ${BUILD}`)
  return bytes
}

/** Caps and compiles. Rejects with a ComponentError when a core module cannot be. */
export async function compileComponent(spec: FunctionSpec, { source, cores }: Transpiled): Promise<FunctionCode> {
  const { name, version = '', env, timeoutMs, memoryBytes } = spec
  const count: CapCount = { memories: 0, tables: 0 }
  const modules = new Map<string, WebAssembly.Module>()
  for (const [core, bytes] of cores) {
    try {
      modules.set(core, await WebAssembly.compile(cap(bytes, memoryBytes, count)))
    } catch (cause) {
      if (cause instanceof CapError) throw new ComponentError(`cannot be run: ${cause.message}`, { cause })
      throw new ComponentError(`is a component with a broken core module: ${firstLine(cause)}; ${BUILD}`, { cause })
    }
  }
  if (count.memories === 0) throw new ComponentError(`has no memory of its own (1 to ${MEMORIES} are needed); ${BUILD}`)
  // One copy for all workers.
  const shared = new Uint8Array(new SharedArrayBuffer(source.length))
  shared.set(source)
  return { name, version, env, timeoutMs, memoryBytes, source: shared, modules }
}

/** The first line of what was thrown: tools add pages to it. */
export const firstLine = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : String(thrown)).split('\n')[0] ?? ''
