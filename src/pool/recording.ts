/** What a call of a function was given while it ran, in bytes: kept with a dead letter, so that the call can be run again. */

import { hash } from 'node:crypto'
import type { Grants } from './grants.ts'

/** One thing that a function asked of its host, and what it was given. */
export interface Input {
  /** Such as `wall clock`, `random` or `keyvalue.get`. */
  readonly name: string
  /** What it asked for, where that is more than the name. */
  readonly asked?: unknown
  /** Neither this nor the next is there when it was not told before the call was over. */
  readonly gave?: unknown
  /** What was thrown in place of a value. */
  readonly threw?: unknown
}

/** Whether a call was told what it asked for. */
export const isAnswered = (input: Input): boolean => 'gave' in input || 'threw' in input

/** What is known of an instance when a call of it has ended. */
export interface Recorded {
  /** Calls that it had run before: what they left behind in it is an input as well, and is not kept. */
  readonly earlier: number
  /** Calls that it had run before these, so that its code was compiled. */
  readonly warmUps: number
  /** While it was made and warmed up. */
  readonly start: readonly Input[]
  /** While the call ran. */
  readonly inputs: readonly Input[]
  /** True when it asked for more than is kept. */
  readonly cut: boolean
}

/** A call that can be run again. */
export interface Recording extends Recorded {
  readonly function: string
  /** Empty when it has none. */
  readonly version: string
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string
  readonly callId: string
  readonly attempt: number
  /** What it was told to have left, in milliseconds. */
  readonly deadlineMs: number
  readonly parameters?: string | undefined
  readonly memoryBytes: number
  readonly timeoutMs: number
  readonly output?: 'outcome' | undefined
  /** SHA-256 of the event that it was called with, where that was too long to be kept twice. */
  readonly eventSha256?: string | undefined
  /** True when it did not end by itself: what was recorded is what it had been given until it was ended. */
  readonly ended?: boolean | undefined
  /** What it was allowed, without the values of its configuration. */
  readonly grants: Grants
}

/** Format (1), three bytes of nothing, bytes of the head (4), the head as JSON, the event as `encodeEvent` wrote it. */
const PREFIX = 8
const FORMAT = 1

/** Returns a recording with the event that the function was called with; without it when that is too long to be kept twice. */
export function encodeRecording(recording: Recording, event: Uint8Array | undefined): Uint8Array {
  const { start, inputs, ...rest } = recording
  const head = Buffer.from(JSON.stringify({ ...rest, start: start.map(packInput), inputs: inputs.map(packInput) }))
  const bytes = Buffer.alloc(PREFIX + head.length + (event?.length ?? 0))
  bytes[0] = FORMAT
  bytes.writeUInt32LE(head.length, 4)
  head.copy(bytes, PREFIX)
  if (event) bytes.set(event, PREFIX + head.length)
  return bytes
}

/** Reads what `encodeRecording` wrote. Undefined for what a newer version wrote, or nobody. */
export function decodeRecording(
  stored: Uint8Array,
): { readonly recording: Recording; readonly event: Uint8Array | undefined } | undefined {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength)
  if (bytes.length < PREFIX || bytes[0] !== FORMAT) return undefined
  const end = PREFIX + bytes.readUInt32LE(4)
  if (end > bytes.length) return undefined
  const { start, inputs, ...rest } = JSON.parse(bytes.toString('utf8', PREFIX, end))
  const recording = { ...rest, start: start.map(unpackInput), inputs: inputs.map(unpackInput) }
  return { recording, event: end === bytes.length ? undefined : bytes.subarray(end) }
}

/** Bytes or characters of one value that are kept of what is asked; of more it is known whether they are the same. */
const BRIEF = 1_024

/**
 * What is asked, with what is long in it told by its digest: it need not be known, but be told from something else. So
 * with headers, of which some are secret.
 */
export function brief(asked: unknown): unknown {
  if ((typeof asked === 'string' || asked instanceof Uint8Array) && asked.length > BRIEF)
    return { length: asked.length, sha256: hash('sha256', asked) }
  // A Buffer, too, is no more than its bytes.
  if (asked instanceof Uint8Array) return new Uint8Array(asked)
  if (Array.isArray(asked)) return asked.map(brief)
  if (typeof asked !== 'object' || asked === null) return asked
  return Object.fromEntries(
    Object.entries(asked).map(([name, each]) => [name, name === 'headers' ? sealed(each) : brief(each)]),
  )
}

const sealed = (value: unknown): object => ({ sha256: hash('sha256', JSON.stringify(pack(value))) })

/** JSON has neither bytes, nor large integers, nor nothing: those, and lists, are lists that begin with a letter. */
type Packed = string | number | boolean | null | PackedList | PackedFields
type PackedList = readonly Packed[]
interface PackedFields {
  readonly [name: string]: Packed
}
export type PackedInput = readonly [name: string, asked: Packed, how?: 'gave' | 'threw', value?: Packed]

export function packInput({ name, asked, ...rest }: Input): PackedInput {
  if ('threw' in rest) return [name, pack(asked), 'threw', pack(rest.threw)]
  return 'gave' in rest ? [name, pack(asked), 'gave', pack(rest.gave)] : [name, pack(asked)]
}

export const unpackInput = ([name, asked, how, value = null]: PackedInput): Input => ({
  name,
  asked: unpack(asked),
  ...(how && { [how]: unpack(value) }),
})

/** Plain data as JSON. What is thrown keeps its message and its fields, and is no error of any class when it comes back. */
export function pack(value: unknown): Packed {
  if (value === undefined) return ['nothing']
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : ['number', String(value)]
  if (typeof value === 'bigint') return ['integer', String(value)]
  if (value instanceof Uint8Array) return ['bytes', Buffer.from(value).toString('base64')]
  if (Array.isArray(value)) return ['list', ...value.map(pack)]
  if (typeof value !== 'object') return ['nothing']
  const named = value instanceof Error ? { ...value, message: value.message } : value
  return Object.fromEntries(Object.entries(named).map(([name, each]) => [name, pack(each)]))
}

/** Reads what `pack` wrote. */
export function unpack(packed: Packed): unknown {
  if (typeof packed !== 'object' || packed === null) return packed
  if (!isList(packed)) return Object.fromEntries(Object.entries(packed).map(([name, each]) => [name, unpack(each)]))
  const [kind, ...rest] = packed
  if (kind === 'list') return rest.map(unpack)
  const text = String(rest[0])
  if (kind === 'integer') return BigInt(text)
  if (kind === 'bytes') return new Uint8Array(Buffer.from(text, 'base64'))
  return kind === 'number' ? Number(text) : undefined
}

const isList = (packed: Packed): packed is PackedList => Array.isArray(packed)
