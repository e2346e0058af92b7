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
    for (const memory of memoriesOf(instance.exports)) if (!this.memories.includes(memory)) this.memories.push(memory)
    this.#core = coreOf(instance.exports, imports) ?? this.#core
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

/** No copy of what is looked through: a component asks for a hundred imports, and each instance comes here. */
function* memoriesOf(exports: WebAssembly.Imports[string]): Generator<WebAssembly.Memory> {
  for (const name in exports) {
    const value = exports[name]
    if (value instanceof WebAssembly.Memory) yield value
  }
}

function memoryOf(exports: Exports, imports: WebAssembly.Imports = {}): WebAssembly.Memory | undefined {
  for (const given of [exports, ...Object.values(imports)]) for (const memory of memoriesOf(given)) return memory
  return undefined
}

function coreOf(exports: Exports, imports: WebAssembly.Imports | undefined): Core | undefined {
  for (const name of NAMES) {
    const handle = exports[name.handle]
    const realloc = exports[name.realloc] ?? exports['cabi_realloc']
    const post = exports[name.post]
    if (!isFunction(handle) || !isFunction(realloc)) continue
    const memory = memoryOf(exports, imports)
    if (memory) return { memory, handle, realloc, postReturn: isFunction(post) ? post : undefined }
  }
  return undefined
}

/** Whether an export can be called. */
export const isFunction = (value: WebAssembly.ExportValue | undefined): value is (...args: number[]) => number =>
  typeof value === 'function'
