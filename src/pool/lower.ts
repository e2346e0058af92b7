/** Writes an event and its context into a guest's memory, laid out as the canonical ABI wants the parameters of `handle`. */

import { isUtf8 } from 'node:buffer'
import type { CloudEvent } from '../event/index.ts'
import { parametersText } from './input.ts'
import type { GuestMemory } from './memory.ts'

/** What goes into the record `context`. */
export interface CallContext {
  readonly callId: string
  readonly function: string
  readonly version: string
  readonly attempt: number
  /** Milliseconds left. */
  readonly deadlineMs: number
  readonly parameters: string | undefined
}

/** Size and alignment of the records `event` and `context` together, and where the second begins. */
const SIZE = 192
const ALIGN = 8
const CONTEXT = 96
/** Size of `tuple<string, string>`. */
const PAIR = 16

const TEXTUAL =
  /^(?:text\/|application\/(?:json|xml|javascript|x-www-form-urlencoded|graphql)\b|[^;]*\+(?:json|xml)\b)/i

/** Lowers the parameters of one call after another into one guest. */
export class Lowering {
  readonly #memory: GuestMemory
  // Every allocation may grow the memory, which detaches every view of it: so first allocate all, then write all.
  readonly #spots: number[] = []
  readonly #addresses: number[] = []
  readonly #lengths: number[] = []
  readonly #texts: string[] = []
  readonly #present: number[] = []

  constructor(memory: GuestMemory) {
    this.#memory = memory
  }

  /** Returns the address of the parameters. The guest owns what was allocated. */
  lower(event: CloudEvent, context: CallContext): number {
    const base = this.#memory.allocate(SIZE, ALIGN)
    this.#text(base, event.id)
    this.#text(base + 8, event.source)
    this.#text(base + 16, event.type)
    this.#option(base + 24, event.subject)
    this.#option(base + 36, event.time)
    this.#option(base + 48, event.datacontenttype)
    this.#option(base + 60, event.dataschema)
    const names = event.extensions ? Object.keys(event.extensions) : []
    const list = this.#memory.allocate(names.length * PAIR, 4)
    for (const [index, name] of names.entries()) {
      this.#text(list + index * PAIR, name)
      this.#text(list + index * PAIR + 8, String(event.extensions?.[name]))
    }
    const data = event.data && this.#memory.allocate(event.data.length, 1)
    this.#text(base + CONTEXT, context.callId)
    this.#text(base + CONTEXT + 8, context.function)
    this.#text(base + CONTEXT + 16, context.version)
    this.#option(base + CONTEXT + 80, parametersText(event, context))
    this.#write(base, list, names.length, context)
    if (event.data && data !== undefined) this.#writeData(base + 80, data, event.data, event.datacontenttype)
    return base
  }

  #text(spot: number, text: string): void {
    const length = Buffer.byteLength(text)
    this.#spots.push(spot)
    this.#addresses.push(this.#memory.allocate(length, 1))
    this.#lengths.push(length)
    this.#texts.push(text)
  }

  #option(spot: number, text: string | undefined): void {
    if (text === undefined) return
    this.#present.push(spot)
    this.#text(spot + 4, text)
  }

  #write(base: number, list: number, pairs: number, context: CallContext): void {
    const bytes = this.#memory.bytes
    bytes.fill(0, base, base + SIZE)
    for (let index = 0; index < this.#texts.length; index++) {
      const at = this.#addresses[index] ?? 0
      const length = this.#lengths[index] ?? 0
      bytes.writeUInt32LE(at, this.#spots[index] ?? 0)
      bytes.writeUInt32LE(length, (this.#spots[index] ?? 0) + 4)
      if (length > 0) bytes.write(this.#texts[index] ?? '', at, length)
    }
    for (const spot of this.#present) bytes[spot] = 1
    bytes.writeUInt32LE(list, base + 72)
    bytes.writeUInt32LE(pairs, base + 76)
    bytes.writeUInt32LE(context.attempt, base + CONTEXT + 24)
    const left = Math.max(0, Math.floor(context.deadlineMs))
    bytes.writeUInt32LE(left % 2 ** 32, base + CONTEXT + 32)
    bytes.writeUInt32LE(Math.floor(left / 2 ** 32), base + CONTEXT + 36)
    this.#spots.length = this.#addresses.length = this.#lengths.length = this.#texts.length = this.#present.length = 0
  }

  #writeData(spot: number, at: number, data: Uint8Array, contentType: string | undefined): void {
    const bytes = this.#memory.bytes
    bytes.set(data, at)
    bytes[spot] = 1
    bytes[spot + 4] = isText(data, contentType) ? 0 : 1
    bytes.writeUInt32LE(at, spot + 8)
    bytes.writeUInt32LE(data.length, spot + 12)
  }
}

/** Text where it is text: a textual content type, or none at all, and valid UTF-8. */
const isText = (data: Uint8Array, contentType: string | undefined): boolean =>
  (contentType === undefined || TEXTUAL.test(contentType)) && isUtf8(data)
