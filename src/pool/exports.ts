/** The core WebAssembly functions and memory behind a component's `handle`, found while jco links the component. */

/** What the canonical ABI of `handle` needs. */
export interface Core {
  readonly memory: WebAssembly.Memory
  readonly handle: (parameters: number) => number
  readonly realloc: (old: number, oldSize: number, align: number, size: number) => number
  /** Frees what a result holds. */
  readonly postReturn: ((result: number) => void) | undefined
}

type Exports = Readonly<Record<string, WebAssembly.ExportValue>>

/** Names by which tool chains export `handle` from the core module: the older naming and the standard one. */
const NAMES = [
  { handle: 'handle', post: 'cabi_post_handle', realloc: 'cabi_realloc' },
  { handle: 'cm32p2||handle', post: 'cm32p2||handle_post', realloc: 'cm32p2_realloc' },
] as const

/**
 * Stands in for `new WebAssembly.Instance` while jco links a component, and keeps the core exports. The pool calls
 * those itself: it reads results straight from memory, under budgets, and no JavaScript value is made of what a guest
 * returns before its size is known.
 */
export class CoreCapture {
  #core: Core | undefined
  readonly memories: WebAssembly.Memory[] = []

  readonly instantiate = (module: WebAssembly.Module, imports?: WebAssembly.Imports): WebAssembly.Instance => {
    const instance = new WebAssembly.Instance(module, imports)
    const own = memoriesOf(instance.exports)
    this.memories.push(...own.filter((memory) => !this.memories.includes(memory)))
    this.#core =
      coreOf(instance.exports, [...own, ...memoriesOf(Object.assign({}, ...Object.values(imports ?? {})))]) ??
      this.#core
    return instance
  }

  /** Bytes of linear memory. */
  get bytes(): number {
    return this.memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0)
  }

  /** Undefined when no core module exports a synchronous `handle` beside its memory. */
  get core(): Core | undefined {
    return this.#core
  }
}

const memoriesOf = (exports: Exports): WebAssembly.Memory[] =>
  Object.values(exports).filter((value) => value instanceof WebAssembly.Memory)

function coreOf(exports: Exports, [memory]: readonly WebAssembly.Memory[]): Core | undefined {
  for (const name of NAMES) {
    const handle = exports[name.handle]
    const realloc = exports[name.realloc] ?? exports['cabi_realloc']
    const post = exports[name.post]
    if (!memory || !isFunction(handle) || !isFunction(realloc)) continue
    return { memory, handle, realloc, postReturn: isFunction(post) ? post : undefined }
  }
  return undefined
}

/** Whether an export can be called. */
export const isFunction = (value: WebAssembly.ExportValue | undefined): value is (...args: number[]) => number =>
  typeof value === 'function'
