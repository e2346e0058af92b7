/** What a call was given so far, in memory that both threads see: all that is left of a call that is ended from outside. */

import { FIRST_SEAT } from './control.ts'
import { type Input, isAnswered, type PackedInput, packInput, type Recorded, unpackInput } from './recording.ts'

/** Words of the head: bytes of entries or NONE, the slot of the call, and what is known of its instance. */
const WORD = { bytes: 0, slot: 1, cut: 2, earlier: 3, warmUps: 4, start: 5, startCut: 6 } as const
/** Where the head has what the call was told to have left, in milliseconds. */
const DEADLINE = 32
const HEAD = 40
const NONE = -1

/** Entries: the three that come most often without JSON; what is told of a question names its place. */
const KIND = { wall: 1, steady: 2, random: 3, asked: 4, told: 5 } as const
const CLOCKS: Readonly<Record<string, number>> = { 'wall clock': KIND.wall, 'steady clock': KIND.steady }

/** Sent to a worker: where it notes what the calls in a slot are given. All slots of arrays share one, as one runs at a time. */
export interface Lent {
  readonly kind: 'lent'
  readonly slot: number
  readonly memory: SharedArrayBuffer
}

/** The memory of the calls of one worker, by slot; each side has its own view of what the main thread made. */
export class TapeMemory {
  readonly #held = new Map<number, SharedArrayBuffer>()

  of(slot: number): SharedArrayBuffer | undefined {
    return this.#held.get(placeOf(slot))
  }

  take({ slot, memory }: Lent): void {
    this.#held.set(placeOf(slot), memory)
  }

  /** Main thread: makes room for a call of which `limit` bytes are kept. Returns what the worker is to be sent, if anything. */
  lend(slot: number, limit: number): Lent | undefined {
    // Bytes grow by a third as base64; what a warm-up was given is kept beside what the call was, and is short.
    const size = HEAD + SPARE + Math.ceil(1.5 * limit)
    if ((this.of(slot)?.byteLength ?? 0) >= size) return undefined
    const lent: Lent = { kind: 'lent', slot, memory: new SharedArrayBuffer(size) }
    new Int32Array(lent.memory, 0, 1)[WORD.bytes] = NONE
    this.take(lent)
    return lent
  }
}

const SPARE = 4_096

const placeOf = (slot: number): number => (slot < FIRST_SEAT ? 0 : slot)

/**
 * Worker: writes what the call that runs is given. Where no memory was lent it writes nothing. It costs 0.1 us a call, as much
 * for each clock or random number, and 1.3 us for each question.
 */
export class SharedTape {
  readonly #memory: TapeMemory
  #view: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  #words: Int32Array<ArrayBufferLike> = new Int32Array(HEAD / 4)
  /** Undefined while no call runs. */
  #bytes: Buffer<ArrayBufferLike> | undefined
  #at = HEAD
  #count = 0
  #start = 0

  constructor(memory: TapeMemory) {
    this.#memory = memory
  }

  /** A call begins in a slot, before anything of it runs. */
  open(slot: number, deadlineMs: number): void {
    const memory = this.#memory.of(slot)
    this.#bytes = undefined
    if (!memory) return
    if (this.#view.buffer !== memory) {
      this.#view = Buffer.from(memory)
      this.#words = new Int32Array(memory, 0, HEAD / 4)
    }
    this.#bytes = this.#view
    Atomics.store(this.#words, WORD.bytes, NONE)
    this.#words[WORD.slot] = slot
    this.#bytes.writeDoubleLE(deadlineMs, DEADLINE)
  }

  /** It is over: what comes for it later is no business of the next call in its slot. */
  close(): void {
    this.#bytes = undefined
  }

  /** Its instance runs it; `start` is what that was given before, as `encodeInputs` wrote it. */
  begin({ earlier, warmUps, cut }: Omit<Recorded, 'start' | 'inputs'>, start: Uint8Array, count: number): void {
    if (!this.#bytes) return
    const words = this.#words
    words[WORD.earlier] = earlier
    words[WORD.warmUps] = warmUps
    words[WORD.startCut] = cut ? 1 : 0
    words[WORD.cut] = NONE
    words[WORD.start] = this.#start = this.#count = count
    this.#at = HEAD
    Atomics.store(words, WORD.bytes, 0)
    if (start.length > 0) this.#put(start, 0)
  }

  /** It is given something, or asks for it. */
  add(input: Input): void {
    if (this.#bytes) this.#put(entryOf(input), this.#count++)
  }

  /** It is told what it asked for, at this place of its inputs. */
  tell(place: number, input: Input): void {
    if (this.#bytes) this.#put(answerOf(this.#start + place, input), this.#start + place)
  }

  /** From this place of its inputs on nothing is kept. */
  cut(place: number): void {
    if (this.#bytes) this.#words[WORD.cut] = this.#start + place
  }

  #put(entry: Uint8Array, place: number): void {
    const bytes = this.#bytes
    if (!bytes) return
    if (this.#at + entry.length > bytes.length) {
      this.#words[WORD.cut] = place
      this.close()
      return
    }
    bytes.set(entry, this.#at)
    this.#at += entry.length
    Atomics.store(this.#words, WORD.bytes, this.#at - HEAD)
  }
}

/** What an instance was given before its call, as `SharedTape` takes it. */
export const encodeInputs = (inputs: readonly Input[]): Uint8Array =>
  Buffer.concat(
    inputs.flatMap((input, place) => {
      const entry = entryOf(input)
      return entry[0] === KIND.asked && isAnswered(input) ? [entry, answerOf(place, input)] : [entry]
    }),
  )

function entryOf(input: Input): Uint8Array {
  const { gave, name } = input
  const clock = CLOCKS[name]
  if (clock !== undefined && typeof gave === 'number') {
    const entry = Buffer.allocUnsafe(9)
    entry[0] = clock
    entry.writeDoubleLE(gave, 1)
    return entry
  }
  if (name === 'random' && gave instanceof Uint8Array) return framed(KIND.random, gave)
  return framed(KIND.asked, Buffer.from(JSON.stringify(packInput({ name, asked: input.asked }))))
}

function answerOf(place: number, input: Input): Uint8Array {
  const entry = framed(KIND.told, Buffer.from(`    ${JSON.stringify(packInput(input).slice(ASKED))}`))
  entry.writeUInt32LE(place, 5)
  return entry
}

/** Fields of a packed input that say what was asked. */
const ASKED = 2

function framed(kind: number, bytes: Uint8Array): Buffer {
  const entry = Buffer.allocUnsafe(5 + bytes.length)
  entry[0] = kind
  entry.writeUInt32LE(bytes.length, 1)
  entry.set(bytes, 5)
  return entry
}

/** Main thread: what the call in a slot was given so far, and was told to have left; undefined when it was not begun. */
export function readTape(
  memory: SharedArrayBuffer,
  slot: number,
): { readonly recorded: Recorded; readonly deadlineMs: number } | undefined {
  const words = new Int32Array(memory, 0, HEAD / 4)
  const length = Atomics.load(words, WORD.bytes)
  const copy = Buffer.from(Buffer.from(memory, 0, HEAD + Math.max(0, length)))
  const word = (at: number) => copy.readInt32LE(4 * at)
  if (length === NONE || word(WORD.slot) !== slot) return undefined
  const all = inputsIn(copy)
  const cut = word(WORD.cut)
  const kept = cut === NONE ? all : all.slice(0, cut)
  const start = word(WORD.start)
  const recorded = {
    earlier: word(WORD.earlier),
    warmUps: word(WORD.warmUps),
    start: kept.slice(0, start),
    inputs: kept.slice(start),
    cut: cut !== NONE || word(WORD.startCut) === 1,
  }
  return { recorded, deadlineMs: copy.readDoubleLE(DEADLINE) }
}

function inputsIn(bytes: Buffer): Input[] {
  const inputs: Input[] = []
  for (let at = HEAD; at < bytes.length; ) {
    const kind = bytes[at]
    if (kind === KIND.wall || kind === KIND.steady) {
      const name = kind === KIND.wall ? 'wall clock' : 'steady clock'
      inputs.push({ name, asked: undefined, gave: bytes.readDoubleLE(at + 1) })
      at += 9
      continue
    }
    const from = at + 5
    const end = from + bytes.readUInt32LE(at + 1)
    if (kind === KIND.random)
      inputs.push({ name: 'random', asked: end - from, gave: new Uint8Array(bytes.subarray(from, end)) })
    else if (kind === KIND.asked) inputs.push(unpackInput(JSON.parse(bytes.toString('utf8', from, end))))
    else answer(inputs, bytes.readUInt32LE(from), JSON.parse(bytes.toString('utf8', from + 4, end)))
    at = end
  }
  return inputs
}

function answer(inputs: Input[], place: number, told: readonly [how: 'gave' | 'threw', value: PackedInput[1]]): void {
  const asked = inputs[place]
  if (asked) inputs[place] = { ...asked, ...unpackInput(['', null, ...told]), name: asked.name, asked: asked.asked }
}
