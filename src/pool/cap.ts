/** Writes upper bounds into a core module: nothing else in Node bounds the memory of a guest. */

import { MEMORIES, TABLE_ENTRIES, TABLES } from './limits.ts'

const HEADER = 8
const PAGE = 64 << 10
const SECTION = { type: 1, table: 4, memory: 5, tag: 13 } as const
const FUNCTION = 0x60
/** `ref ht` and `ref null ht`, which a heap type follows; and what is thrown, as `exnref` or as that. */
const REFERENCES: readonly number[] = [0x63, 0x64]
const EXCEPTION = 0x69
const LIMIT = { max: 1, shared: 2, pageSize: 8 } as const

/** Thrown for a module that cannot be bounded; the message says why. */
export class CapError extends Error {}

/** Counts the memories and tables of all core modules of a component. */
export interface CapCount {
  memories: number
  /** Bytes that the memories have from the start. */
  startBytes: number
  tables: number
}

/**
 * Returns the module with each memory of its own bounded to `memoryBytes` and each table to a fixed number of
 * entries. Throws a CapError when it wants more from the start, or has too many.
 */
export function cap(module: Uint8Array, memoryBytes: number, count: CapCount): Uint8Array {
  const reader = new Reader(module, HEADER)
  const parts: Uint8Array[] = [module.subarray(0, HEADER)]
  let carrying: readonly boolean[] = []
  while (reader.at < module.length) {
    const start = reader.at
    const id = reader.byte()
    const size = reader.leb()
    const body = reader.at
    reader.at = body + size
    if (id === SECTION.type) carrying = types(new Reader(module, body))
    if (id === SECTION.tag) tags(new Reader(module, body), carrying)
    if (id === SECTION.memory) parts.push(section(id, memories(new Reader(module, body), memoryBytes, count)))
    else if (id === SECTION.table) parts.push(section(id, tables(new Reader(module, body), count)))
    else parts.push(module.subarray(start, reader.at))
  }
  return Buffer.concat(parts)
}

/**
 * Of each function type, whether a parameter of it may be an exception. Objects of the engine's own heap are refused: an
 * array of 800 MB there ended the whole process, and no limit of a thread or of its heap kept it from that.
 */
function types(reader: Reader): boolean[] {
  return Array.from({ length: reader.leb() }, () => {
    if (reader.byte() !== FUNCTION)
      throw new CapError('it has objects that the engine collects (WasmGC), and their memory cannot be bounded')
    const carries = values(reader)
    values(reader)
    return carries
  })
}

/** Whether one of some values is an exception. */
function values(reader: Reader): boolean {
  let found = false
  for (let left = reader.leb(); left > 0; left--) {
    const type = reader.byte()
    const heap = REFERENCES.includes(type) ? reader.leb() : type
    found ||= heap === EXCEPTION
  }
  return found
}

/** Exceptions that hold exceptions are a list without an end on the same heap. */
function tags(reader: Reader, carrying: readonly boolean[]): void {
  for (let left = reader.leb(); left > 0; left--) {
    reader.byte()
    if (carrying[reader.leb()]) throw new CapError('it throws exceptions that hold others, and they cannot be bounded')
  }
}

function memories(reader: Reader, memoryBytes: number, count: CapCount): number[] {
  const entries = reader.leb()
  count.memories += entries
  if (count.memories > MEMORIES) throw new CapError(`it has more than ${MEMORIES} memories`)
  const out = leb(entries)
  for (let index = 0; index < entries; index++) {
    const { flags, min, max } = limits(reader)
    if (flags & LIMIT.shared) throw new CapError('it has a memory that threads share')
    if (flags & LIMIT.pageSize) throw new CapError('it has a memory with pages of its own size')
    if (min * PAGE > memoryBytes)
      throw new CapError(
        `it starts with ${(min * PAGE) >> 10} KiB of memory, more than its cap of ${memoryBytes >> 10} KiB; raise memory`,
      )
    count.startBytes += min * PAGE
    out.push(flags | LIMIT.max, ...leb(min), ...leb(Math.min(max, Math.floor(memoryBytes / PAGE))))
  }
  return out
}

function tables(reader: Reader, count: CapCount): number[] {
  const entries = reader.leb()
  count.tables += entries
  if (count.tables > TABLES) throw new CapError(`it has more than ${TABLES} tables`)
  const out = leb(entries)
  for (let index = 0; index < entries; index++) {
    const type = reader.byte()
    // funcref and externref; the others (typed references, initial values) no tool chain for components emits yet.
    if (type !== 0x70 && type !== 0x6f) throw new CapError('it has a table of a kind that cannot be bounded')
    const { flags, min, max } = limits(reader)
    if (min > TABLE_ENTRIES) throw new CapError(`it has a table of ${min} entries; ${TABLE_ENTRIES} are the most`)
    out.push(type, flags | LIMIT.max, ...leb(min), ...leb(Math.min(max, TABLE_ENTRIES)))
  }
  return out
}

function limits(reader: Reader): { flags: number; min: number; max: number } {
  const flags = reader.byte()
  const min = reader.leb()
  return { flags, min, max: flags & LIMIT.max ? reader.leb() : Number.POSITIVE_INFINITY }
}

const section = (id: number, body: readonly number[]): Uint8Array => Uint8Array.from([id, ...leb(body.length), ...body])

/** Unsigned LEB128. By division: 64-bit limits do not fit the bit operators. */
function leb(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  do {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? low + 128 : low)
  } while (rest > 0)
  return bytes
}

class Reader {
  readonly #bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  byte(): number {
    const byte = this.#bytes[this.at++]
    if (byte === undefined) throw new CapError('it ends in the middle of a section')
    return byte
  }

  leb(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte()
      value += (byte % 128) * scale
      if (byte < 128) return value
    }
  }
}
