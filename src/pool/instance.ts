/** One running copy of a function inside a worker. */

import { compileFunction } from 'node:vm'
import type { CloudEvent } from '../event/index.ts'
import { type Core, CoreCapture } from './exports.ts'
import { type Lifted, lift } from './lift.ts'
import { INSTANCE_CALLS, INSTANCE_FILL } from './limits.ts'
import { type CallContext, Lowering } from './lower.ts'
import { GuestMemory } from './memory.ts'
import { createWorld, type Level, type World } from './wasi/index.ts'

/** A function as the workers get it: transpiled and compiled once, in the main thread. */
export interface FunctionCode {
  readonly name: string
  readonly version: string
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly memoryBytes: number
  /** What jco made of the component: the body of a function that returns `instantiate`. UTF-8, shared by all workers. */
  readonly source: Uint8Array
  /** The core modules by the names that the source asks for. */
  readonly modules: ReadonlyMap<string, WebAssembly.Module>
}

/** What jco generates with `instantiation: 'sync'`. */
export type Instantiate = (
  module: (name: string) => WebAssembly.Module | undefined,
  imports: Readonly<Record<string, object>>,
  instantiateCore: CoreCapture['instantiate'],
) => unknown

/** Evaluates what jco generated. */
export function evaluate(code: FunctionCode): Instantiate {
  const source = new TextDecoder().decode(code.source)
  return compileFunction(source, [], { filename: `headgate-function:${code.name}` })() as Instantiate
}

/** A component linked and started, with room for one call at a time. */
export class Instance {
  readonly #core: Core
  readonly #world: World
  readonly #memories: readonly WebAssembly.Memory[]
  readonly #memory: GuestMemory
  readonly #lowering: Lowering
  /** Bytes of memory after which it is replaced. */
  readonly #full: number
  #calls = 0

  /** Throws what the guest's start code throws, and a RangeError when there is no address space for its memory. */
  constructor(code: FunctionCode, instantiate: Instantiate, log: (level: Level, text: string) => void) {
    const capture = new CoreCapture()
    this.#world = createWorld(code.env, log)
    instantiate((name) => code.modules.get(name), this.#world.imports, capture.instantiate)
    if (!capture.core) throw new TypeError('no core module exports a synchronous "handle"')
    this.#core = capture.core
    this.#memories = capture.memories
    this.#memory = new GuestMemory(capture.core)
    this.#lowering = new Lowering(this.#memory)
    const start = capture.core.memory.buffer.byteLength
    this.#full = start + INSTANCE_FILL * (code.memoryBytes - start)
  }

  /** Bytes of linear memory. */
  get bytes(): number {
    return this.#memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0)
  }

  /** True when it has lived long enough: memory under a cap fills up, and a full one traps. */
  get worn(): boolean {
    return this.#calls >= INSTANCE_CALLS || this.#core.memory.buffer.byteLength > this.#full
  }

  /**
   * Runs one call, and hands what the guest returned to `take` while it is valid. Whatever this throws, the instance
   * is in no state to be called again.
   */
  call(event: CloudEvent, context: CallContext, take: (lifted: Lifted) => void): void {
    this.#calls++
    try {
      const result = this.#core.handle(this.#lowering.lower(event, context)) >>> 0
      take(lift(this.#memory.bytes, result))
      this.#core.postReturn?.(result)
    } finally {
      this.#world.flush()
    }
  }
}
