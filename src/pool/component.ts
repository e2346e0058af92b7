/** Turns a .wasm file into code that workers can run: checked, transpiled by jco, capped, compiled. */

import { readFile } from 'node:fs/promises'
import { componentWit, transpile } from '@bytecodealliance/jco'
import { type CapCount, CapError, cap } from './cap.ts'
import type { FunctionCode } from './instance.ts'
import { MEMORIES } from './limits.ts'
import type { FunctionSpec } from './pool.ts'
import { offered } from './wasi/index.ts'

/** Thrown for a file that is no function; the message is what is wrong, and what to do. */
export class ComponentError extends Error {}

const MAGIC = Buffer.from('\0asm')
const BUILD = 'build it against functions/wit, as functions/README.md shows'
/** The versions of the interface that this gateway speaks: the same types. */
const TYPES = /import headgate:function\/types@0\.1\.\d+;/
const HANDLE = /export handle: func\(event: event, context: context\) -> result<response, failure>;/

/** Rejects with a ComponentError that says what the file is instead. */
export async function loadComponent(spec: FunctionSpec): Promise<FunctionCode> {
  const bytes = await read(spec.wasm)
  recognise(bytes)
  await checkWorld(bytes)
  const { files, imports } = await transpile(bytes, {
    name: 'component',
    instantiation: 'sync',
    base64Cutoff: 0,
    minify: true,
  }).catch((cause: unknown) => {
    throw new ComponentError(`is a component that jco cannot transpile: ${firstLine(cause)}; ${BUILD}`, { cause })
  })
  const unknown = imports.filter((name) => !offered(name))
  if (unknown.length > 0)
    throw new ComponentError(
      `imports ${unknown.map((name) => `"${name}"`).join(', ')}, which this version does not offer`,
    )
  const { name, version = '', env, timeoutMs, memoryBytes } = spec
  const modules = await compile(files, memoryBytes)
  return {
    name,
    version,
    env,
    timeoutMs,
    memoryBytes,
    source: sourceOf(files['component.js'], imports.length > 0),
    modules,
  }
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    const what = missing
      ? 'does not exist; build it with npm run build:functions, or correct the path'
      : firstLine(cause)
    throw new ComponentError(what, { cause })
  }
}

function recognise(bytes: Uint8Array): void {
  if (bytes.length === 0) throw new ComponentError(`is empty; ${BUILD}`)
  const start = JSON.stringify(Buffer.from(bytes.subarray(0, 16)).toString('latin1'))
  if (bytes.length < 8 || !MAGIC.equals(bytes.subarray(0, 4)))
    throw new ComponentError(`is not WebAssembly: it begins with ${start}; ${BUILD}`)
  // Layer 0 is a core module, layer 1 a component.
  if (bytes[6] === 0)
    throw new ComponentError(`is a core module, not a component; make it one with jco new, or ${BUILD}`)
}

async function checkWorld(bytes: Uint8Array): Promise<void> {
  const wit = await componentWit(bytes).catch((cause: unknown) => {
    throw new ComponentError(`is a broken component: ${firstLine(cause)}; ${BUILD}`, { cause })
  })
  if (TYPES.test(wit) && HANDLE.test(wit)) return
  const other = /headgate:function\/types@(\S+);/.exec(wit)
  if (other?.[1])
    throw new ComponentError(`was built for headgate:function@${other[1]}, and this gateway speaks 0.1; ${BUILD}`)
  const exports = [...wit.matchAll(/^\s*export ([^\s:;]+(?::[^\s;]+)?)/gm)].map(
    ([, name]) => `"${name?.replace(/:$/, '')}"`,
  )
  throw new ComponentError(
    `is a component of another world: it exports ${exports.join(', ') || 'nothing'}, not "handle"; ${BUILD}`,
  )
}

async function compile(
  files: Readonly<Record<string, Uint8Array>>,
  memoryBytes: number,
): Promise<Map<string, WebAssembly.Module>> {
  const count: CapCount = { memories: 0, tables: 0 }
  const modules = new Map<string, WebAssembly.Module>()
  for (const [name, bytes] of Object.entries(files)) {
    if (!name.endsWith('.wasm')) continue
    try {
      modules.set(name, await WebAssembly.compile(cap(bytes, memoryBytes, count)))
    } catch (cause) {
      if (cause instanceof CapError) throw new ComponentError(`cannot be run: ${cause.message}`, { cause })
      throw new ComponentError(`is a component with a broken core module: ${firstLine(cause)}; ${BUILD}`, { cause })
    }
  }
  if (count.memories === 0) throw new ComponentError(`has no memory of its own (1 to ${MEMORIES} are needed); ${BUILD}`)
  return modules
}

/**
 * Where jco 1.35 makes a task for an import that is called outside of one of its own exports: it resolves that task
 * and never ends it, so each such call would leave a task behind and search through all of them.
 */
const LEAKED_TASK = /return ([\w$]+)&&\1\.resolve\(\[([\w$]+)\]\),\2\}/

/** Turns the module that jco generated into the body of a function, so that a worker can evaluate it without awaiting. */
function sourceOf(file: Uint8Array | undefined, imports: boolean): Uint8Array {
  const source = Buffer.from(file ?? []).toString()
  const plain = source.replace(/export (?=function instantiate\()/, '').replace(/export (?=const _util\b)/, '')
  const body = `${plain.replace(LEAKED_TASK, 'return $1&&($1.resolve([$2]),$1.exit()),$2}')}\nreturn instantiate`
  const known = /function instantiate\(/.test(body) && !/(?:^|[;}])\s*(?:import|export)\b(?!\()/m.test(body)
  if (!known || (imports && !LEAKED_TASK.test(plain)))
    throw new ComponentError('was transpiled to code of an unknown shape')
  const shared = new Uint8Array(new SharedArrayBuffer(Buffer.byteLength(body)))
  shared.set(Buffer.from(body))
  return shared
}

const firstLine = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : String(thrown)).split('\n')[0] ?? ''
