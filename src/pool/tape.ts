/** Notes what an instance is given while it runs: thrown away when the call succeeds, kept when it does not. */

import { brief, type Input, type Recorded } from './recording.ts'
import { encodeInputs, type SharedTape } from './shared-tape.ts'
import { LIVE, type Senses } from './wasi/senses.ts'

/** The senses of one instance, from its making on. */
export interface Reel extends Senses {
  /** A call begins. */
  begin(): void
  /** All calls until now were to warm it up. */
  warmed(): void
  /** What there is to keep of the call that ended; undefined when nothing is recorded. */
  recorded(): Recorded | undefined
}

/** Bytes that one input counts beside what is in it. */
const EACH = 16
const NONE: Input[] = []

/** An input on its way: what is told later takes the place in which it was asked for. */
type Noted = { -readonly [Key in keyof Input]: Input[Key] }

/** Lets the world through, and notes of it what is never twice the same, up to a limit of bytes for each call. */
export class Tape implements Reel {
  readonly #limit: number
  #left: number
  /** While it was made and warmed up: needed for as long as it lives. */
  readonly #start: Noted[] = []
  #startCut = false
  #list = this.#start
  #cut = false
  #calls = 0
  #warmUps = 0
  /** Where the call that runs is noted as well, for whoever ends it. */
  readonly #shared: SharedTape | undefined
  #started: Uint8Array | undefined

  /** Bytes that are kept of one call; nothing is recorded when there are none. */
  constructor(limit: number, shared?: SharedTape) {
    this.#limit = limit
    this.#left = limit
    this.#shared = shared
  }

  begin(): void {
    this.#calls++
    const first = this.#list === this.#start
    if (first) this.#startCut = this.#cut
    if (first || this.#list.length > 0 || this.#cut) {
      this.#list = []
      this.#cut = false
      this.#left = this.#limit
    }
    if (!this.#shared) return
    this.#started ??= encodeInputs(this.#start)
    const known = { earlier: this.#calls - 1, warmUps: this.#warmUps, cut: this.#startCut }
    this.#shared.begin(known, this.#started, this.#start.length)
  }

  warmed(): void {
    this.#warmUps += this.#calls
    this.#calls = 0
    this.#started = undefined
    if (this.#list === this.#start) return
    this.#start.push(...this.#list)
    this.#cut ||= this.#startCut
    this.#list = this.#start
  }

  recorded(): Recorded | undefined {
    if (this.#limit === 0) return undefined
    const inputs = this.#list === this.#start ? NONE : this.#list
    const cut = this.#cut || this.#startCut
    return { earlier: Math.max(0, this.#calls - 1), warmUps: this.#warmUps, start: this.#start, inputs, cut }
  }

  wall(): number {
    return this.#note('wall clock', LIVE.wall(), 8)
  }

  steady(): number {
    return this.#note('steady clock', LIVE.steady(), 8)
  }

  random(length: number): Uint8Array {
    const bytes = LIVE.random(length)
    return this.#note('random', bytes, length, length)
  }

  pause(ms: number): void {
    this.ask('sleep', ms, () => LIVE.pause(ms))
  }

  keeps(bytes: number): boolean {
    return bytes <= this.#left
  }

  ask<T>(name: string, asked: unknown, make: () => T): T {
    const noted = this.#open(name, asked)
    try {
      return this.#told(noted, 'gave', make())
    } catch (thrown) {
      throw this.#told(noted, 'threw', thrown)
    }
  }

  async askLater<T>(name: string, asked: unknown, make: () => Promise<T>): Promise<T> {
    const noted = this.#open(name, asked)
    try {
      return this.#told(noted, 'gave', await make())
    } catch (thrown) {
      throw this.#told(noted, 'threw', thrown)
    }
  }

  #note<T>(name: string, gave: T, bytes: number, asked?: unknown): T {
    if (this.#take(bytes)) this.#push({ name, asked, gave })
    return gave
  }

  #push(noted: Noted): void {
    this.#list.push(noted)
    if (this.#list !== this.#start) this.#shared?.add(noted)
  }

  #open(name: string, whole: unknown): Noted | undefined {
    if (this.#limit === 0 || this.#left < 0) return undefined
    const asked = brief(whole)
    if (!this.#take(sizeOf(asked))) return undefined
    const noted: Noted = { name, asked }
    this.#push(noted)
    return noted
  }

  #told<T>(noted: Noted | undefined, how: 'gave' | 'threw', answer: T): T {
    const at = noted ? this.#placeOf(noted, answer) : -1
    if (!noted || at < 0) return answer
    noted[how] = answer
    if (this.#list !== this.#start) this.#shared?.tell(at, noted)
    return answer
  }

  /** Where it was asked for; -1 when that is not kept. A question whose answer is too long ends what is kept. */
  #placeOf(noted: Noted, answer: unknown): number {
    const at = this.#list.lastIndexOf(noted)
    if (at < 0 || this.#take(sizeOf(answer) - EACH)) return at
    this.#list.splice(at)
    if (this.#list !== this.#start) this.#shared?.cut(at)
    return -1
  }

  /** What comes after something that was not kept is of no use. */
  #take(bytes: number): boolean {
    this.#left -= EACH + bytes
    if (this.#left >= 0) return true
    this.#cut = this.#limit > 0
    this.#left = Number.NEGATIVE_INFINITY
    if (this.#list !== this.#start) this.#shared?.cut(this.#list.length)
    return false
  }
}

/** The senses of a copy that is made. */
export const reelOf = ({ reel }: { readonly reel?: () => Reel }): Reel => reel?.() ?? new Tape(0)

/** Bytes of plain data, about. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length
  if (typeof value !== 'object' || value === null) return 8
  return Object.entries(value).reduce((sum, [name, each]) => sum + name.length + sizeOf(each), 0)
}
