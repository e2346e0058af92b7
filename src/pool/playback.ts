/** Gives an instance what was recorded in place of the world: in the same order, and asking nobody. */

import { isDeepStrictEqual } from 'node:util'
import { brief, type Input, isAnswered, type Recording } from './recording.ts'
import type { Reel } from './tape.ts'
import { framesOf } from './trap.ts'
import { pause } from './wasi/senses.ts'

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
  /** It waits for what it was not told before its call was ended: it does not go on. */
  | { readonly kind: 'waits'; readonly at: number; readonly asked: Input; readonly frames: readonly string[] }

/** Thrown through a guest that asks for what was not recorded. */
export class DivergedError extends Error {}

/** Steps that are told of what is made up. */
const MOST_MADE_UP = 100
/** What is asked while its guest goes on: it waits for the answer by another question. */
const BEHIND = 'http.send'

export class Playback implements Reel {
  readonly #recording: Recording
  readonly #tell: (step: Step) => void
  readonly #stop: () => never
  #list: readonly Input[]
  #at = 0
  #calls = 0
  #madeUp = 0
  /** True once it was asked for what was not recorded: a guest may take the error of that for one of its host's. */
  diverged = false
  #clock = 0

  /** `stop` holds the thread, as nothing throws through every guest; whoever is told ends it. */
  constructor(recording: Recording, tell: (step: Step) => void, stop: () => never = held) {
    this.#recording = recording
    this.#tell = tell
    this.#stop = stop
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
    return this.#now('random', length, () => Uint8Array.from({ length }, (_, index) => index * 37)).slice()
  }

  pause(ms: number): void {
    this.#now<unknown>('sleep', ms, () => undefined)
  }

  keeps(): boolean {
    return true
  }

  ask<T>(name: string, asked: unknown): T {
    return this.#now<T>(name, asked)
  }

  async askLater<T>(name: string, asked: unknown): Promise<T> {
    const input = this.#next<T>(name, asked)
    if (name === BEHIND && !isAnswered(input)) return NEVER
    await turn()
    if (!isAnswered(input)) this.#waits(input)
    // What goes on behind a guest has come when the guest goes on: whether it is seen then is recorded.
    if (name !== BEHIND) await turn()
    return answerIn<T>(input)
  }

  get #place(): number {
    return this.#at + (this.#list === this.#recording.start ? 0 : this.#recording.start.length)
  }

  #time(name: string, madeUp: () => number): number {
    const time = this.#now(name, undefined, madeUp)
    this.#clock = time
    return time
  }

  #now<T>(name: string, asked: unknown, madeUp?: () => T): T {
    const input = this.#next(name, asked, madeUp)
    return isAnswered(input) ? answerIn<T>(input) : this.#waits(input)
  }

  /**
   * An instance that had run other calls before had senses of those as well: what it asks here for the first time, as it
   * is fresh, is made up where that can be. Throws a DivergedError otherwise. Without an answer when the call was ended
   * before that came.
   */
  #next<T>(name: string, whole: unknown, madeUp?: () => T): Input {
    const asked = brief(whole)
    const expected = this.#list[this.#at]
    if (expected === undefined && this.#isOver) return { name, asked }
    if (expected?.name !== name || !isDeepStrictEqual(expected.asked, asked)) return this.#other(name, asked, madeUp)
    this.#at++
    if (isAnswered(expected) || name === BEHIND)
      this.#tell({ kind: 'given', at: this.#place, input: expected, frames: framesOf(new Error()) })
    return expected
  }

  /** Whether the call had been given no more when it was ended. */
  get #isOver(): boolean {
    const { cut, ended, warmUps } = this.#recording
    return ended === true && !cut && this.#calls > warmUps
  }

  #waits(asked: Input): never {
    this.#tell({ kind: 'waits', at: this.#place, asked, frames: framesOf(new Error()) })
    return this.#stop()
  }

  #other<T>(name: string, asked: unknown, madeUp: (() => T) | undefined): Input {
    const expected = this.#list[this.#at]
    const goesOn = madeUp !== undefined && this.#recording.earlier > 0 && this.#madeUp++ < MOST_MADE_UP
    const frames = framesOf(new Error())
    this.#tell({ kind: 'other', at: this.#place + 1, asked: { name, asked }, expected, frames, madeUp: goesOn })
    if (goesOn) return { name, gave: madeUp() }
    this.diverged = true
    throw new DivergedError(`asked for ${name}, which was not recorded`)
  }
}

function answerIn<T>(input: Input): T {
  if ('threw' in input) throw input.threw
  return input.gave as T
}

const NEVER = new Promise<never>(() => {})

/** Resolves in another turn of the event loop, after all that was asked before. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function held(): never {
  for (;;) pause(Number.POSITIVE_INFINITY)
}
