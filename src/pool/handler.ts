/** Components of our own world, `headgate:function`: called by the canonical ABI, again and again. */

import type { CloudEvent } from '../event/index.ts'
import { type Core, CoreCapture } from './exports.ts'
import type { FunctionCode, Instance, Instantiate, Notes, SuspendingInstance } from './instance.ts'
import { type Lifted, lift } from './lift.ts'
import { type CallContext, Lowering } from './lower.ts'
import { GuestMemory } from './memory.ts'
import { type Reel, reelOf } from './tape.ts'
import { ResourceBudget, resetBudgets } from './wasi/budget.ts'
import { createWorld, type World } from './wasi/index.ts'
import { Wear } from './wear.ts'

/** A component linked and started, with room for one call at a time. */
export class HandlerInstance implements Instance, SuspendingInstance {
  readonly reel: Reel
  readonly #core: Core
  readonly #world: World
  readonly #capture: CoreCapture
  readonly #memory: GuestMemory
  readonly #lowering: Lowering
  readonly #wear: Wear
  readonly #held = new ResourceBudget()
  #waiting: ((parameters: number) => Promise<number>) | undefined

  /** Throws what the guest's start code throws, and a RangeError when there is no address space for its memory. */
  constructor(code: FunctionCode, instantiate: Instantiate, notes: Notes) {
    const capture = new CoreCapture()
    this.reel = reelOf(notes)
    resetBudgets(this.#held)
    this.#world = createWorld({ ...code, ...notes, senses: this.reel })
    instantiate((name) => code.modules.get(name), this.#world.imports, capture.instantiate)
    if (!capture.core) throw new TypeError('no core module exports a synchronous "handle"')
    this.#core = capture.core
    this.#capture = capture
    this.#memory = new GuestMemory(capture.core)
    this.#lowering = new Lowering(this.#memory)
    this.#wear = new Wear(capture.core.memory.buffer.byteLength, code.memoryBytes, code.reuse)
  }

  /** Bytes of linear memory. */
  get bytes(): number {
    return this.#capture.bytes
  }

  get worn(): boolean {
    return this.#held.worn || this.#wear.over(this.#core.memory.buffer.byteLength)
  }

  get spent(): boolean {
    return false
  }

  renew(): void {}

  call(event: CloudEvent, context: CallContext, take: (lifted: Lifted) => void): void {
    this.#wear.add()
    this.reel.begin()
    resetBudgets(this.#held)
    try {
      const result = this.#core.handle(this.#lowering.lower(event, context)) >>> 0
      take(lift(this.#memory.bytes, result))
      this.#core.postReturn?.(result)
    } finally {
      this.#world.flush()
    }
  }

  drop(): void {
    this.#world.flush()
  }

  async wait(event: CloudEvent, context: CallContext, take: (lifted: Lifted) => void): Promise<void> {
    this.#wear.add()
    this.reel.begin()
    resetBudgets(this.#held)
    this.#waiting ??= WebAssembly.promising(this.#core.handle)
    try {
      const result = (await this.#waiting(this.#lowering.lower(event, context))) >>> 0
      take(lift(this.#memory.bytes, result))
      this.#core.postReturn?.(result)
    } finally {
      this.#world.flush()
    }
  }
}
