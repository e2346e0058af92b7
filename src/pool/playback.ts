/** Gives an instance what was recorded in place of the world: in the same order, and asking nobody. */

import { isDeepStrictEqual } from 'node:util'
import { brief, type Input, type Recording } from './recording.ts'
import type { Reel } from './tape.ts'
import { framesOf } from './trap.ts'

/** What happens in a replay. `at` counts from 1, over what it was given while it was made and while it ran. */
export type Step =
  | { readonly kind: 'given'; readonly at: number; readonly input: Input; readonly frames: readonly string[] }
  | {
      readonly kind: 'other'
      readonly at: number
      readonly asked: Input
      /** Nothing when the recording has come to its end. */
      readonly expected: Input | undefined
      readonly frames: readonly string[]
      /** True when it was given something made up, and went on. */
      readonly madeUp: boolean
    }

/** Thrown through a guest that asks for what was not recorded. */
export class DivergedError extends Error {}

/** Steps that are told of what is made up. */
const MOST_MADE_UP = 100

export class Playback implements Reel {
  readonly #recording: Recording
  readonly #tell: (step: Step) => void
  #list: readonly Input[]
  #at = 0
  #calls = 0
  #madeUp = 0
  /** True once it was asked for what was not recorded: a guest may take the error of that for one of its host's. */
  diverged = false
  #clock = 0

  constructor(recording: Recording, tell: (step: Step) => void) {
    this.#recording = recording
    this.#tell = tell
    this.#list = recording.start
  }

  /** What was recorded and not asked for. */
  get left(): number {
    const { start, inputs } = this.#recording
    return start.length + inputs.length - this.#place
  }

  begin(): void {
    if (this.#calls++ !== this.#recording.warmUps) return
    this.#list = this.#recording.inputs
    this.#at = 0
  }

  warmed(): void {}

  recorded(): undefined {}

  wall(): number {
    return this.#time('wall clock', Date.now)
  }

  steady(): number {
    return this.#time('steady clock', () => this.#clock + 1)
  }

  random(length: number): Uint8Array {
    // Copied: what is recorded stays as it is.
    return this.#next('random', length, () => Uint8Array.from({ length }, (_, index) => index * 37)).slice()
  }

  pause(): void {}

  keeps(): boolean {
    return true
  }

  patience(): number {
    return 0
  }

  ask<T>(name: string, asked: unknown): T {
    return this.#next<T>(name, asked)
  }

  async askLater<T>(name: string, asked: unknown): Promise<T> {
    return this.#next<T>(name, asked)
  }

  get #place(): number {
    return this.#at + (this.#list === this.#recording.start ? 0 : this.#recording.start.length)
  }

  #time(name: string, madeUp: () => number): number {
    const time = this.#next(name, undefined, madeUp)
    this.#clock = time
    return time
  }

  /**
   * An instance that had run other calls before had senses of those as well: what it asks here for the first time, as it
   * is fresh, is made up where that can be. Throws a DivergedError otherwise.
   */
  #next<T>(name: string, whole: unknown, madeUp?: () => T): T {
    const asked = brief(whole)
    const expected = this.#list[this.#at]
    if (expected?.name !== name || !isDeepStrictEqual(expected.asked, asked)) return this.#other(name, asked, madeUp)
    this.#at++
    this.#tell({ kind: 'given', at: this.#place, input: expected, frames: framesOf(new Error()) })
    if ('threw' in expected) throw expected.threw
    return expected.gave as T
  }

  #other<T>(name: string, asked: unknown, madeUp: (() => T) | undefined): T {
    const expected = this.#list[this.#at]
    const goesOn = madeUp !== undefined && this.#recording.earlier > 0 && this.#madeUp++ < MOST_MADE_UP
    const frames = framesOf(new Error())
    this.#tell({ kind: 'other', at: this.#place + 1, asked: { name, asked }, expected, frames, madeUp: goesOn })
    if (goesOn) return madeUp()
    this.diverged = true
    throw new DivergedError(`asked for ${name}, which was not recorded`)
  }
}
