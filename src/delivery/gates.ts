/** What deliveries of one lane wait at: a limit of those under way, or a rate; each for one value of its key. */

import type { Delivery } from '../journal/journal.ts'
import { Window } from './window.ts'

/** Deliveries that are made together: one, or a batch. */
export type Unit = readonly [Delivery, ...Delivery[]]

/** A limit that deliveries of one key share. Waiting ones hold nothing. */
export interface Gate {
  readonly waiting: Unit[]
  /** The time at which one that finds no room to wait here comes back. */
  nextTurn(now: number): number
}

/** Gates of a kind, made for each key that needs one and forgotten when it is idle. */
export class Gates<T extends Gate> {
  readonly #made = new Map<string, T>()
  readonly #make: (key: string) => T
  readonly #idle: (gate: T, now: number) => boolean
  #sweepAt = 1_024

  constructor(make: (key: string) => T, idle: (gate: T, now: number) => boolean) {
    this.#make = make
    this.#idle = idle
  }

  get size(): number {
    return this.#made.size
  }

  get(key: string, now: number): T {
    const known = this.#made.get(key)
    if (known) return known
    if (this.#made.size >= this.#sweepAt) this.#sweep(now)
    const gate = this.#make(key)
    this.#made.set(key, gate)
    return gate
  }

  all(): Iterable<T> {
    return this.#made.values()
  }

  /** Where a delivery waits: at which gate, and how many stand before it. */
  find(id: string): { readonly key: string; readonly gate: T; readonly before: number } | undefined {
    for (const [key, gate] of this.#made) {
      const before = gate.waiting.findIndex((unit) => unit.some((delivery) => delivery.id === id))
      if (before >= 0) return { key, gate, before }
    }
    return undefined
  }

  /** A delivery that waits, and has this key of its order. */
  ofKey(key: string): Delivery | undefined {
    for (const { waiting } of this.#made.values()) {
      const found = waiting.flat().find((delivery) => delivery.key === key)
      if (found) return found
    }
    return undefined
  }

  #sweep(now: number): void {
    for (const [key, gate] of this.#made) if (gate.waiting.length === 0 && this.#idle(gate, now)) this.#made.delete(key)
    this.#sweepAt = Math.max(1_024, this.#made.size * 2)
  }
}

/** How far apart those come back that found no room to wait at a busy key. Milliseconds. */
const LATER_MS = 1_000
const APART_MS = 2

/** So many under way at once. */
export class Line implements Gate {
  readonly waiting: Unit[] = []
  running = 0
  #turn = 0

  nextTurn(now: number): number {
    this.#turn = Math.max(this.#turn + APART_MS, now + LATER_MS)
    return Math.ceil(this.#turn)
  }
}

/** So many starts in a stretch of time. */
export class Turnstile implements Gate {
  readonly waiting: Unit[] = []
  readonly window: Window
  /** Takes back the ring that those who wait are woken by. */
  unset: (() => void) | undefined
  readonly #apartMs: number
  #turn = 0

  constructor(limit: number, perMs: number) {
    this.window = new Window(limit, perMs)
    this.#apartMs = perMs / limit
  }

  nextTurn(now: number): number {
    const behind = Math.max(now, this.window.freeAt) + this.waiting.length * this.#apartMs
    this.#turn = Math.max(this.#turn + this.#apartMs, behind)
    return Math.ceil(this.#turn)
  }
}
