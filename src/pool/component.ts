/** A .wasm file on its way to code that workers can run: read, and capped and compiled once it is transpiled. */

import { type CapCount, CapError, cap } from './cap.ts'
import { type Contents, type Looked, readContents } from './digest.ts'
import { NO_GRANTS } from './grants.ts'
import type { FunctionCode } from './instance.ts'
import { checkModule, type Interface } from './interface.ts'
import { BUILD, ComponentError, firstLine } from './invalid.ts'
import { MEMORIES } from './limits.ts'
import type { FunctionSpec } from './pool.ts'
import type { Draft } from './wasi/keyvalue.ts'

/** What jco makes of a component; a core module as it is. */
export interface Transpiled {
  readonly speaks: Interface
  /** Whether it waits for what it asks of the gateway while others run; never when absent. */
  readonly suspends?: boolean
  /** The draft of `wasi:keyvalue` that it was built for. */
  readonly draft?: Draft
  /** The body of a function that returns `instantiate`, UTF-8; empty for a core module. */
  readonly source: Uint8Array
  /** The core modules by the names that the source asks for. */
  readonly cores: readonly (readonly [name: string, bytes: Uint8Array])[]
  /** Where what V8 makes of the source may be kept. */
  readonly compiled?: string | undefined
}

const MAGIC = Buffer.from('\0asm')

/** Reads a file, unless its bytes are at hand in `looked`. Rejects with a ComponentError when it is missing or no WebAssembly. */
export async function readFunction(path: string, looked?: Looked): Promise<Contents> {
  const contents = looked?.bytes
    ? looked
    : await readContents(path).catch((cause: unknown) => {
        const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
        const what = 'does not exist; build it with headgate function build <folder>, or correct the path'
        throw new ComponentError(missing ? what : firstLine(cause), { cause })
      })
  const { bytes } = contents
  if (bytes.length === 0) throw new ComponentError(`is empty; ${BUILD}`)
  const start = JSON.stringify(bytes.subarray(0, 16).toString('latin1'))
  if (bytes.length < 8 || !MAGIC.equals(bytes.subarray(0, 4)))
    throw new ComponentError(`is not WebAssembly: it begins with ${start}; ${BUILD}`)
  return contents
}

/** A core module needs no transpiling; undefined for a component. */
export const asModule = (bytes: Uint8Array): Transpiled | undefined =>
  // Layer 0 is a core module, layer 1 a component.
  bytes[6] === 0 ? { speaks: 'wasip1', source: new Uint8Array(), cores: [[PROGRAM, bytes]] } : undefined

/** The name under which the code of a core module is kept. */
export const PROGRAM = 'program'

/** What ends a text in JavaScript, or stands for something else in one. */
const QUOTING = /["'`\\\p{Cc}\u2028\u2029]/u

/** jco writes names into its code as they are: one with a quotation mark would be code, and run in the gateway. */
function checkNames(module: WebAssembly.Module): void {
  const imports = WebAssembly.Module.imports(module).flatMap(({ module: from, name }) => [from, name])
  const names = [...imports, ...WebAssembly.Module.exports(module).map(({ name }) => name)]
  const wrong = names.find((name) => QUOTING.test(name))
  if (wrong !== undefined)
    throw new ComponentError(
      `has a core module with the name ${JSON.stringify(wrong.slice(0, 200))}, which is refused; ${BUILD}`,
    )
}

/** Caps and compiles. Rejects with a ComponentError when a core module cannot be. */
export async function compileComponent(
  spec: FunctionSpec,
  { speaks, source, cores, suspends = false, draft, compiled }: Transpiled,
  sha256: string,
): Promise<FunctionCode> {
  const { name, version = '', entry, env, grants = NO_GRANTS, timeoutMs, memoryBytes, reuse, output, record } = spec
  const count: CapCount = { memories: 0, startBytes: 0, tables: 0 }
  const modules = new Map<string, WebAssembly.Module>()
  for (const [core, bytes] of cores) {
    try {
      const module = await WebAssembly.compile(cap(bytes, memoryBytes, count))
      if (speaks === 'wasip1') checkModule(module)
      else checkNames(module)
      modules.set(core, module)
    } catch (cause) {
      if (cause instanceof ComponentError) throw cause
      if (cause instanceof CapError) throw new ComponentError(`cannot be run: ${cause.message}`, { cause })
      if (speaks === 'wasip1') throw new ComponentError(`is a broken core module: ${firstLine(cause)}`, { cause })
      throw new ComponentError(`is a component with a broken core module: ${firstLine(cause)}; ${BUILD}`, { cause })
    }
  }
  if (count.memories === 0) throw new ComponentError(`has no memory of its own (1 to ${MEMORIES} are needed); ${BUILD}`)
  // One copy for all workers.
  const shared = new Uint8Array(new SharedArrayBuffer(source.length))
  shared.set(source)
  return {
    name,
    version,
    entry,
    env,
    grants,
    timeoutMs,
    memoryBytes,
    reuse,
    output,
    record,
    sha256,
    speaks,
    suspends,
    draft,
    source: shared,
    compiled,
    modules,
  }
}
