/** A guest's linear memory as the host reads and writes it. */

import type { Core } from './exports.ts'

/** Byte and word access to a linear memory; re-made when the guest has grown it, which detaches the old buffer. */
export class GuestMemory {
  readonly #core: Core
  #bytes: Buffer

  constructor(core: Core) {
    this.#core = core
    this.#bytes = Buffer.from(core.memory.buffer)
  }

  /** The whole memory. Valid until the guest runs or allocates. */
  get bytes(): Buffer {
    const { buffer } = this.#core.memory
    if (this.#bytes.buffer !== buffer) this.#bytes = Buffer.from(buffer)
    return this.#bytes
  }

  /** Asks the guest for room; throws when it hands out a range that is not its own. */
  allocate(size: number, align: number): number {
    if (size === 0) return align
    const at = this.#core.realloc(0, 0, align, size) >>> 0
    if (at % align !== 0 || at + size > this.#core.memory.buffer.byteLength)
      throw new RangeError('the guest allocated outside of its memory')
    return at
  }
}
