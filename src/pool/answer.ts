/** How answers cross from a worker to the main thread: the results of several calls in one buffer. */

import { type ErrorCode, type ErrorType, GatewayError } from '../errors.ts'
import { decodeEvent, encodeEvent } from '../event/codec.ts'
import type { Control } from './control.ts'
import type { Lifted } from './lift.ts'
import type { Result } from './pool.ts'

const MESSAGE_HEAD = 4
const RESULT_HEAD = 32
/** Memory is counted in its pages: bytes would not fit. */
const PAGE = 64 << 10
const FLAG = { cold: 1, reply: 2, type: 4, status: 8, error: 16, items: 32 } as const

/** An error on its way to the main thread. */
export interface Fault {
  readonly code: ErrorCode
  readonly message: string
  readonly type?: ErrorType
  readonly detailCode?: string
  readonly fingerprint?: string
  readonly retryAfterMs?: number
}

/** What became of one item of a batch, on its way to the main thread. */
export type ItemAnswer = Fault | { readonly value: unknown }

/** What became of one call. */
export interface Answer {
  readonly slot: number
  readonly outcome: Result | GatewayError
  /** Milliseconds inside the instance. */
  readonly runMs: number
  /** What the instance had of linear memory then. */
  readonly memoryBytes: number
}

/** Gathers answers until they are taken as one message. */
export class AnswerWriter {
  readonly #control: Control
  #bytes: Buffer
  #at = MESSAGE_HEAD
  #count = 0

  constructor(control: Control) {
    this.#control = control
    this.#bytes = control.answers
  }

  /** Copies what a guest returned: the views in it need not outlive the call. */
  response(
    slot: number,
    { reply, events }: Lifted & { kind: 'response' },
    runMs: number,
    cold: boolean,
    memoryBytes: number,
    items?: readonly ItemAnswer[],
  ): void {
    const flags =
      (cold ? FLAG.cold : 0) |
      (reply ? FLAG.reply : 0) |
      (reply?.datacontenttype === undefined ? 0 : FLAG.type) |
      (reply?.status === undefined ? 0 : FLAG.status) |
      (items ? FLAG.items : 0)
    const type = reply?.datacontenttype ?? ''
    const encoded = events.map(encodeEvent)
    const told = items && Buffer.from(JSON.stringify(items))
    const parts = told ? [...encoded, told] : encoded
    const data = reply?.data
    const size = type.length * 3 + (data?.length ?? 0) + parts.reduce((sum, part) => sum + 4 + part.length, 0)
    this.#reserve(size)
    const typeLength = type ? this.#bytes.write(type, this.#at + RESULT_HEAD) : 0
    this.#head(slot, flags, runMs, reply?.status ?? 0, typeLength, data?.length ?? 0, encoded.length, memoryBytes)
    this.#at += RESULT_HEAD + typeLength
    if (data) this.#put(data)
    for (const part of parts) {
      this.#bytes.writeUInt32LE(part.length, this.#at)
      this.#at += 4
      this.#put(part)
    }
    this.#publish()
  }

  error(slot: number, fault: Fault, runMs: number, memoryBytes = 0, cold = false): void {
    const json = Buffer.from(JSON.stringify(fault))
    this.#reserve(json.length)
    this.#head(slot, FLAG.error | (cold ? FLAG.cold : 0), runMs, 0, 0, json.length, 0, memoryBytes)
    this.#at += RESULT_HEAD
    this.#put(json)
    this.#publish()
  }

  /** Returns one message; `last` when the array of calls is through. */
  take(array: number, last: boolean): ArrayBuffer {
    this.#bytes[0] = array
    this.#bytes[1] = last ? 1 : 0
    this.#bytes.writeUInt16LE(this.#count, 2)
    // A copy of exactly what was written: the buffer is handed over, and this one is used again.
    const message = new ArrayBuffer(this.#at)
    this.#bytes.copy(new Uint8Array(message), 0, 0, this.#at)
    this.#control.retract()
    this.#bytes = this.#control.answers
    this.#at = MESSAGE_HEAD
    this.#count = 0
    return message
  }

  #head(
    slot: number,
    flags: number,
    runMs: number,
    status: number,
    type: number,
    data: number,
    events: number,
    memoryBytes: number,
  ): void {
    const at = this.#at
    this.#bytes.writeUInt16LE(slot, at)
    this.#bytes.writeUInt16LE(flags, at + 2)
    this.#bytes.writeUInt32LE(status, at + 4)
    this.#bytes.writeDoubleLE(runMs, at + 8)
    this.#bytes.writeUInt32LE(type, at + 16)
    this.#bytes.writeUInt32LE(data, at + 20)
    this.#bytes.writeUInt32LE(events, at + 24)
    this.#bytes.writeUInt32LE(Math.floor(memoryBytes / PAGE), at + 28)
    this.#count++
  }

  /** What no longer fits the shared memory is seen only when it is posted. */
  #publish(): void {
    if (this.#bytes === this.#control.answers) this.#control.publish(this.#count)
  }

  #put(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  #reserve(size: number): void {
    const wanted = this.#at + RESULT_HEAD + size
    if (wanted <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#bytes.length))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }
}

/** Which array of calls a message answers, and whether that array is through. */
export const answersHead = (message: Buffer): { array: number; last: boolean } => ({
  array: message[0] ?? 0,
  last: message[1] === 1,
})

/** Reads the answers in a message. `data` of replies and events are views of it. */
export function* decodeAnswers(message: Buffer, count = message.readUInt16LE(2)): Generator<Answer> {
  let at = MESSAGE_HEAD
  for (let index = 0; index < count; index++) {
    const slot = message.readUInt16LE(at)
    const flags = message.readUInt16LE(at + 2)
    const type = at + RESULT_HEAD
    const data = type + message.readUInt32LE(at + 16)
    const events = data + message.readUInt32LE(at + 20)
    const eventCount = message.readUInt32LE(at + 24)
    const runMs = message.readDoubleLE(at + 8)
    const memoryBytes = message.readUInt32LE(at + 28) * PAGE
    if (flags & FLAG.error) {
      const fault = JSON.parse(message.toString('utf8', data, events)) as Fault
      yield { slot, outcome: toError(fault, (flags & FLAG.cold) !== 0), runMs, memoryBytes }
      at = events
      continue
    }
    const found = []
    at = events
    for (let nth = 0; nth < eventCount; nth++) {
      const end = at + 4 + message.readUInt32LE(at)
      found.push(decodeEvent(message.subarray(at + 4, end)))
      at = end
    }
    const start = type - RESULT_HEAD
    const reply = flags & FLAG.reply ? replyOf(message, flags, start, type, data, events) : undefined
    const result: Result = { events: found, runMs, cold: (flags & FLAG.cold) !== 0 }
    let items: Pick<Result, 'items'> | undefined
    if (flags & FLAG.items) {
      const end = at + 4 + message.readUInt32LE(at)
      items = { items: itemsOf(message.toString('utf8', at + 4, end)) }
      at = end
    }
    yield { slot, outcome: reply ? { reply, ...result, ...items } : result, runMs, memoryBytes }
  }
}

function replyOf(
  message: Buffer,
  flags: number,
  start: number,
  type: number,
  data: number,
  end: number,
): NonNullable<Result['reply']> {
  const datacontenttype = flags & FLAG.type ? message.toString('utf8', type, data) : undefined
  const status = flags & FLAG.status ? message.readUInt32LE(start + 4) : undefined
  return {
    data: message.subarray(data, end),
    ...(datacontenttype !== undefined && { datacontenttype }),
    ...(status !== undefined && { status }),
  }
}

function itemsOf(json: string): NonNullable<Result['items']> {
  return (JSON.parse(json) as readonly ItemAnswer[]).map((item) =>
    'value' in item
      ? { data: Buffer.from(JSON.stringify(item.value)), datacontenttype: 'application/json' }
      : { error: toError(item) },
  )
}

const toError = ({ code, message, ...options }: Fault, cold = false): GatewayError =>
  new GatewayError(code, message, cold ? { ...options, cold } : options)
