/** Reads what `handle` returned straight from a guest's memory, and adds up sizes before it makes anything of them. */

import { isUtf8 } from 'node:buffer'
import type { CloudEvent, ExtensionValue } from '../event/index.ts'
import { RESULT_BYTES, RESULT_EVENTS, RESULT_EXTENSIONS } from './limits.ts'
import { LiftError } from './wasi/budget.ts'

/** A reply; `data` is a view of the guest's memory. */
export interface LiftedReply {
  readonly data: Uint8Array
  readonly datacontenttype: string | undefined
  readonly status: number | undefined
}

/** What a guest returned. Views in it are valid until the guest runs again. */
export type Lifted =
  | { readonly kind: 'response'; readonly reply: LiftedReply | undefined; readonly events: readonly CloudEvent[] }
  | {
      readonly kind: 'retry'
      readonly message: string
      readonly afterMs: number | undefined
      /** Where it failed, when that is known apart from the message. */
      readonly fingerprint?: string
    }
  | { readonly kind: 'reject'; readonly fault: FaultKind; readonly code: string; readonly message: string }

/** The kinds of a failure that is not tried again. */
export const FAULTS = ['validation', 'business', 'system', 'timeout'] as const
export type FaultKind = (typeof FAULTS)[number]

/** Size of the record `event` by the canonical ABI, and of `tuple<string, string>`. */
const EVENT = 96
const PAIR = 16

/** Returns the `result<response, failure>` at an address. Throws a LiftError, having allocated next to nothing. */
export function lift(memory: Buffer, at: number): Lifted {
  try {
    return new Lift(memory).result(at)
  } catch (error) {
    if (error instanceof RangeError)
      throw new LiftError('it returned a pointer outside of its memory', { cause: error })
    throw error
  }
}

class Lift {
  readonly #memory: Buffer
  #budget = RESULT_BYTES

  constructor(memory: Buffer) {
    this.#memory = memory
  }

  result(at: number): Lifted {
    if (this.#case(at, 2) === 0) return { kind: 'response', reply: this.#reply(at + 8), events: this.#events(at + 40) }
    if (this.#case(at + 8, 2) === 0) {
      const after = this.#case(at + 24, 2) === 1 ? Number(this.#memory.readBigUInt64LE(at + 32)) : undefined
      return { kind: 'retry', message: this.#text(at + 16), afterMs: after }
    }
    const fault = FAULTS[this.#case(at + 16, FAULTS.length)] ?? 'system'
    return { kind: 'reject', fault, code: this.#text(at + 20), message: this.#text(at + 28) }
  }

  #reply(at: number): LiftedReply | undefined {
    if (this.#case(at, 2) === 0) return undefined
    return {
      data: this.#body(at + 4),
      datacontenttype: this.#option(at + 16),
      status: this.#case(at + 28, 2) === 1 ? this.#memory.readUInt16LE(at + 30) : undefined,
    }
  }

  #events(at: number): CloudEvent[] {
    const list = this.#memory.readUInt32LE(at)
    const count = this.#memory.readUInt32LE(at + 4)
    if (count > RESULT_EVENTS) throw new LiftError(`it emitted ${count} events; ${RESULT_EVENTS} are the most`)
    const events: CloudEvent[] = []
    for (let index = 0; index < count; index++) events.push(this.#event(list + index * EVENT))
    return events
  }

  #event(at: number): CloudEvent {
    const subject = this.#option(at + 24)
    const time = this.#option(at + 36)
    const datacontenttype = this.#option(at + 48)
    const dataschema = this.#option(at + 60)
    const extensions = this.#extensions(at + 72)
    return {
      specversion: '1.0',
      id: this.#text(at),
      source: this.#text(at + 8),
      type: this.#text(at + 16),
      ...(subject !== undefined && { subject }),
      ...(time !== undefined && { time }),
      ...(datacontenttype !== undefined && { datacontenttype }),
      ...(dataschema !== undefined && { dataschema }),
      ...(extensions !== undefined && { extensions }),
      ...(this.#case(at + 80, 2) === 1 && { data: this.#body(at + 84) }),
    }
  }

  #extensions(at: number): Record<string, ExtensionValue> | undefined {
    const list = this.#memory.readUInt32LE(at)
    const count = this.#memory.readUInt32LE(at + 4)
    if (count === 0) return undefined
    if (count > RESULT_EXTENSIONS)
      throw new LiftError(`it emitted an event with ${count} extensions; ${RESULT_EXTENSIONS} are the most`)
    const pairs: [string, string][] = []
    for (let index = 0; index < count; index++)
      pairs.push([this.#text(list + index * PAIR), this.#text(list + index * PAIR + 8)])
    // fromEntries defines properties, so that a guest's "__proto__" is a name like any other.
    return Object.fromEntries(pairs)
  }

  #body(at: number): Uint8Array {
    const text = this.#case(at, 2) === 0
    const bytes = this.#range(at + 4)
    if (text && !isUtf8(bytes)) throw new LiftError('it returned text that is not UTF-8; return bytes')
    return bytes
  }

  #option(at: number): string | undefined {
    return this.#case(at, 2) === 1 ? this.#text(at + 4) : undefined
  }

  #text(at: number): string {
    return this.#range(at).toString()
  }

  #range(at: number): Buffer {
    const start = this.#memory.readUInt32LE(at)
    const length = this.#memory.readUInt32LE(at + 4)
    this.#budget -= length
    if (this.#budget < 0) throw new LiftError(`it returned more than ${RESULT_BYTES >> 20} MiB`)
    if (start + length > this.#memory.length) throw new LiftError('it returned a pointer outside of its memory')
    return this.#memory.subarray(start, start + length)
  }

  #case(at: number, cases: number): number {
    const found = this.#memory.readUInt8(at)
    if (found >= cases) throw new LiftError(`it returned case ${found} where there are ${cases}`)
    return found
  }
}
