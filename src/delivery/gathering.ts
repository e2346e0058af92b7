/** Collects deliveries into batches: up to so many, for so long after the first; and those that failed come back together. */

import type { Delivery } from '../journal/journal.ts'
import type { Clock } from './clock.ts'
import type { Unit } from './gates.ts'
import type { Wait } from './standing.ts'

export interface GatherOptions {
  /** Deliveries of one batch. */
  readonly max: number
  /** How long the first waits for others. Milliseconds. */
  readonly waitMs: number
}

/** Bytes of data after which a batch is whole. */
const FULL_BYTES = 4 * 2 ** 20
/** How long those of a batch that have come back wait for the others, which fall due at the same time. Milliseconds. */
const BACK_MS = 5_000

interface Returning {
  /** In the order that they had. */
  readonly places: (Delivery | undefined)[]
  missing: number
  unset: (() => void) | undefined
}

export class Gathering {
  readonly #options: GatherOptions
  readonly #clock: Clock
  readonly #whole: (unit: Unit) => void
  #here: Delivery[] = []
  #bytes = 0
  #until = 0
  #unset: (() => void) | undefined
  readonly #returning = new Map<string, { readonly at: number; readonly returning: Returning }>()

  /** `whole` gets each batch. */
  constructor(options: GatherOptions, clock: Clock, whole: (unit: Unit) => void) {
    this.#options = options
    this.#clock = clock
    this.#whole = whole
  }

  add(delivery: Delivery): void {
    const back = this.#returning.get(delivery.id)
    if (back) {
      this.#returning.delete(delivery.id)
      this.#comeBack(back.returning, back.at, delivery)
      return
    }
    this.#here.push(delivery)
    this.#bytes += delivery.event.data?.length ?? 0
    if (this.#here.length >= this.#options.max || this.#bytes >= FULL_BYTES) this.#flush()
    else if (this.#unset === undefined) {
      this.#until = this.#clock.now() + this.#options.waitMs
      this.#unset = this.#clock.at(this.#until, () => this.#flush())
    }
  }

  /** What a delivery waits for that is here. */
  wait(id: string): Wait | undefined {
    if (this.#here.some((delivery) => delivery.id === id)) {
      const what = `its batch: ${this.#here.length} of ${this.#options.max} have come`
      return { for: 'batch', what, until: this.#until }
    }
    for (const { places } of this.#back())
      if (places.some((delivery) => delivery?.id === id))
        return { for: 'batch', what: 'the others of its batch: they are tried again together' }
    return undefined
  }

  /** These will be handed out again, and make one batch then. */
  expect(again: readonly Delivery[]): void {
    const returning: Returning = { places: again.map(() => undefined), missing: again.length, unset: undefined }
    for (const [at, { id }] of again.entries()) this.#returning.set(id, { at, returning })
  }

  /** Ends; returns what has not become a batch. */
  leave(): readonly Delivery[] {
    const returning = this.#back()
    for (const { unset } of returning) unset?.()
    this.#unset?.()
    this.#returning.clear()
    return [...returning].flatMap(({ places }) => present(places)).concat(this.#here.splice(0))
  }

  #back(): ReadonlySet<Returning> {
    return new Set(Array.from(this.#returning.values(), (each) => each.returning))
  }

  #comeBack(back: Returning, at: number, delivery: Delivery): void {
    back.places[at] = delivery
    back.missing -= 1
    if (back.missing === 0) {
      back.unset?.()
      this.#hand(present(back.places))
    } else back.unset ??= this.#clock.at(this.#clock.now() + BACK_MS, () => this.#giveUp(back))
  }

  /** One was dropped or damaged meanwhile: the others do not wait for it. */
  #giveUp(back: Returning): void {
    for (const [id, { returning }] of this.#returning) if (returning === back) this.#returning.delete(id)
    this.#hand(present(back.places))
  }

  #flush(): void {
    this.#unset?.()
    this.#unset = undefined
    const here = this.#here
    this.#here = []
    this.#bytes = 0
    this.#hand(here)
  }

  #hand([first, ...rest]: readonly Delivery[]): void {
    if (first) this.#whole([first, ...rest])
  }
}

const present = (places: Returning['places']): readonly Delivery[] => places.filter((one) => one !== undefined)
