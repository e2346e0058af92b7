/** Headers of `wasi:http/types`. */

import { HEADER_BYTES, HEADERS, ITEM_BYTES } from '../limits.ts'
import { LiftError, lifting } from './budget.ts'
import { Resource } from './resource.ts'

type Entry = readonly [name: string, value: Uint8Array]

/** [RFC 9110, 5.1 and 5.5] */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const NO_VALUE = /[\0\r\n]/

/** Headers in the order they were added, names as they were written and compared without case. */
export class Fields extends Resource {
  #entries: Entry[] = []
  #bytes = 0
  #immutable = false

  static fromList(entries: readonly Entry[]): Fields {
    lifting.reset()
    const fields = new Fields()
    for (const entry of entries) fields.#add(entry)
    return fields
  }

  /** Of a response: it is somebody else's, so what is no header by our rules is left out. */
  static received(headers: readonly (readonly [name: string, value: string])[]): Fields {
    const sound = headers.filter(([name, value]) => NAME.test(name) && !NO_VALUE.test(value))
    return Fields.immutable(sound.map(([name, value]) => [name, Buffer.from(value, 'latin1')]))
  }

  /** What a guest may read and not change. */
  static immutable(entries: readonly Entry[]): Fields {
    const fields = Fields.fromList(entries)
    fields.#immutable = true
    return fields
  }

  get(name: string): Uint8Array[] {
    lifting.reset()
    const wanted = name.toLowerCase()
    return this.#entries.filter(([each]) => each.toLowerCase() === wanted).map(([, value]) => value)
  }

  has(name: string): boolean {
    return this.get(name).length > 0
  }

  set(name: string, values: readonly Uint8Array[]): void {
    this.delete(name)
    for (const value of values) this.#add([name, value])
  }

  append(name: string, value: Uint8Array): void {
    this.#change()
    this.#add([name, value])
  }

  delete(name: string): void {
    this.#change()
    const wanted = name.toLowerCase()
    this.#entries = this.#entries.filter(([each]) => each.toLowerCase() !== wanted)
  }

  entries(): readonly Entry[] {
    return this.#entries
  }

  clone(): Fields {
    return Fields.fromList(this.#entries)
  }

  /** The first value of a name as text. */
  text(name: string): string | undefined {
    const [value] = this.get(name)
    return value && Buffer.from(value).toString('latin1')
  }

  #change(): void {
    lifting.reset()
    if (this.#immutable) throw { tag: 'immutable' }
  }

  #add([name, value]: Entry): void {
    if (!NAME.test(name) || NO_VALUE.test(Buffer.from(value).toString('latin1'))) throw { tag: 'invalid-syntax' }
    this.#bytes += name.length + value.length
    if (this.#entries.length >= HEADERS || this.#bytes > HEADER_BYTES)
      throw new LiftError(`it set more than ${HEADERS} headers or ${HEADER_BYTES >> 10} KiB of them`)
    this.keep(ITEM_BYTES + name.length + value.length)
    this.#entries.push([name, value])
  }
}
