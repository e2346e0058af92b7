/** The linear memory of a wasip1 program, through which it and its host pass everything. */

import { LiftError } from './budget.ts'

/** Reads and writes it; what is not in it is a LiftError, or a RangeError of a DataView. */
export class ProgramMemory {
  #memory: WebAssembly.Memory | undefined
  #view = new DataView(new ArrayBuffer(0))

  bind(memory: WebAssembly.Memory): void {
    this.#memory = memory
  }

  /** Valid until the guest runs. */
  get view(): DataView {
    const buffer = this.#memory?.buffer
    // A start function that runs before the memory is known has none to pass.
    if (!buffer) throw new LiftError('it called its host before it had started')
    if (this.#view.buffer !== buffer) this.#view = new DataView(buffer)
    return this.#view
  }

  /** Throws a LiftError for what is not in it. */
  bytes(at: number, length: number): Uint8Array {
    const { buffer } = this.view
    if ((at >>> 0) + (length >>> 0) > buffer.byteLength) throw outsideMemory()
    return new Uint8Array(buffer, at >>> 0, length >>> 0)
  }

  u32(at: number): number {
    return this.view.getUint32(at >>> 0, true)
  }

  setU32(at: number, value: number): void {
    this.view.setUint32(at >>> 0, value, true)
  }

  setU64(at: number, value: bigint): void {
    this.view.setBigUint64(at >>> 0, value, true)
  }

  /** The ranges of a list of `iovec`. */
  *ranges(list: number, count: number): Generator<Uint8Array> {
    for (let index = 0; index < count >>> 0; index++) {
      const at = (list >>> 0) + index * 8
      yield this.bytes(this.u32(at), this.u32(at + 4))
    }
  }
}

/** What a pointer that leads nowhere is. */
export const outsideMemory = (): LiftError => new LiftError('it gave its host a pointer outside of its memory')
