/** The part of the WebAssembly JavaScript interface that the pool uses; Node's types do not declare it. */

declare namespace WebAssembly {
  class Module {
    /** Compiles in the thread: for what is small. */
    constructor(bytes: Uint8Array)
    static imports(module: Module): { readonly module: string; readonly name: string; readonly kind: string }[]
    static exports(module: Module): { readonly name: string; readonly kind: string }[]
  }
  class Memory {
    private constructor()
    readonly buffer: ArrayBuffer
  }
  class Table {
    private constructor()
  }
  class Global {
    private constructor()
  }
  class Instance {
    constructor(module: Module, imports?: Imports)
    readonly exports: Readonly<Record<string, ExportValue>>
  }
  class RuntimeError extends Error {}
  class CompileError extends Error {}
  class LinkError extends Error {}
  type ExportValue = Memory | Table | Global | ((...args: number[]) => number)
  type Imports = Readonly<Record<string, Readonly<Record<string, ExportValue>>>>
  /** Makes a function of a module return a promise: it may call what suspends it. */
  function promising(exported: (...args: number[]) => number): (...args: number[]) => Promise<number>
  function compile(bytes: Uint8Array): Promise<Module>
}
