/** One lane's deliveries in memory: what is ready, what waits for its key or its time, and who waits for them. */

import { Deque } from './deque.ts'
import { Heap } from './heap.ts'
import type { Delivery } from './journal.ts'

/** A delivery that the journal is about to hand out, or has. */
export interface Item {
  readonly id: string
  readonly block: number
  readonly slot: number
  readonly key: string | undefined
  /** Milliseconds since the epoch; 0 when it is due at once. */
  due: number
  /** True when the store's index of times holds it under `due`. */
  indexed: boolean
  /** Absent when it is to be read back first: then it costs no memory while it waits. */
  held: Delivery | undefined
}

/** What a lane needs of its journal. */
export interface LaneHooks {
  now(): number
  /** Reads back a delivery; undefined when it cannot be handed out, which the hook has dealt with. */
  load(item: Item): Delivery | undefined
  /** Lets go of an event that need not be in memory while it waits. */
  unload(item: Item): void
  leased(item: Item): void
  /** Called when nothing is ready: offers more of what is stored, if there is more. */
  refill(): void
  /** Asks for `wake` at that time. */
  wakeAt(due: number): void
}

interface KeyLine {
  head: Item
  /** True once the head is ready or leased: an earlier one that turns up goes behind it then. */
  running: boolean
  readonly rest: Deque<Item>
}

interface Waiter {
  readonly claim: Claim
  readonly resolve: (result: IteratorResult<Delivery, undefined>) => void
}

/** Parked deliveries that keep their event in memory. */
const PARKED_WHOLE = 256

const DONE = { done: true, value: undefined } as const
const isBefore = (a: Item, b: Item): boolean => a.block < b.block || (a.block === b.block && a.slot < b.slot)

export class LaneQueue {
  readonly #hooks: LaneHooks
  readonly #ready = new Deque<Item>()
  readonly #delayed = new Heap<Item>()
  readonly #keys = new Map<string, KeyLine>()
  #waiters = new Deque<Waiter>()
  #pumping = false

  constructor(hooks: LaneHooks) {
    this.#hooks = hooks
  }

  /** How many are ready. */
  get size(): number {
    return this.#ready.size
  }

  /** Deliveries that wait behind another of their key. */
  parked = 0

  /** Takes a delivery in. It is handed out when it is due and its key is free. */
  offer(item: Item): void {
    const line = item.key === undefined ? undefined : this.#keys.get(item.key)
    if (item.key === undefined) this.#start(item)
    else if (line === undefined) {
      this.#keys.set(item.key, { head: item, running: false, rest: new Deque() })
      this.#start(item)
    } else if (!line.running && isBefore(item, line.head)) {
      const later = line.head
      line.head = item
      line.rest.unshift(later)
      this.parked++
      this.#start(item)
    } else {
      line.rest.insert(item, (other) => isBefore(other, item))
      // A poisoned key may hold back any number: only their names stay in memory.
      if (++this.parked > PARKED_WHOLE) this.#hooks.unload(item)
    }
  }

  /** The delivery is over: the next of its key may go. */
  finished(item: Item): void {
    if (item.key === undefined) return
    const line = this.#keys.get(item.key)
    if (line === undefined || line.head !== item) return
    const next = line.rest.shift()
    if (next === undefined) {
      this.#keys.delete(item.key)
      return
    }
    this.parked--
    line.head = next
    line.running = false
    this.#start(next)
  }

  /** The delivery is to be tried again at its `due`; its key stays taken. */
  again(item: Item): void {
    const line = item.key === undefined ? undefined : this.#keys.get(item.key)
    if (line) line.running = false
    this.#start(item)
  }

  /** The delivery comes back as it was: it goes first. */
  giveBack(item: Item): void {
    this.#ready.unshift(item)
    this.pump()
  }

  /** Makes ready what has fallen due. */
  wake(): void {
    this.#ripen()
    if (this.#delayed.first) this.#hooks.wakeAt(this.#delayed.first.due)
    this.pump()
  }

  /** Hands out to whoever waits. */
  pump(): void {
    // Taking may read from disk, which offers, which comes here: it must not serve the waiter that is being served.
    if (this.#pumping) return
    this.#pumping = true
    while (this.#waiters.size > 0) {
      const delivery = this.take()
      if (delivery === undefined) break
      this.#waiters.shift()?.resolve({ done: false, value: delivery })
    }
    this.#pumping = false
  }

  take(): Delivery | undefined {
    if (this.#ready.size === 0) {
      this.#ripen()
      this.#hooks.refill()
    }
    for (let item = this.#ready.shift(); item !== undefined; item = this.#ready.shift()) {
      const delivery = item.held ?? this.#hooks.load(item)
      if (delivery !== undefined) {
        this.#hooks.leased(item)
        return delivery
      }
      this.finished(item)
      if (this.#ready.size === 0) this.#hooks.refill()
    }
    return undefined
  }

  claim(signal: AbortSignal): AsyncIterableIterator<Delivery> {
    return new Claim(this, signal)
  }

  wait(waiter: Waiter): void {
    this.#waiters.push(waiter)
  }

  /** Ends the waiting of one claim, or of all. */
  leave(claim?: Claim): void {
    const waiters = this.#waiters
    this.#waiters = new Deque()
    for (let waiter = waiters.shift(); waiter !== undefined; waiter = waiters.shift()) {
      if (claim === undefined || waiter.claim === claim) waiter.resolve(DONE)
      else this.#waiters.push(waiter)
    }
  }

  #start(item: Item): void {
    if (item.due > this.#hooks.now()) {
      this.#delayed.push(item)
      this.#hooks.wakeAt(item.due)
    } else {
      this.#makeReady(item)
      this.pump()
    }
  }

  #ripen(): void {
    let item = this.#delayed.first
    if (item === undefined) return
    const now = this.#hooks.now()
    for (; item !== undefined && item.due <= now; item = this.#delayed.first) {
      this.#delayed.pop()
      if (item.key === undefined || this.#keys.get(item.key)?.head === item) this.#makeReady(item)
    }
  }

  #makeReady(item: Item): void {
    const line = item.key === undefined ? undefined : this.#keys.get(item.key)
    if (line) line.running = true
    this.#ready.push(item)
  }
}

/** One iteration of a lane. `next` by hand: an async generator costs three promises for each delivery. */
class Claim implements AsyncIterableIterator<Delivery, undefined> {
  readonly #queue: LaneQueue
  readonly #signal: AbortSignal
  #ended = false
  readonly #end = (): void => {
    this.#ended = true
    this.#signal.removeEventListener('abort', this.#end)
    this.#queue.leave(this)
  }

  constructor(queue: LaneQueue, signal: AbortSignal) {
    this.#queue = queue
    this.#signal = signal
    if (signal.aborted) this.#ended = true
    else signal.addEventListener('abort', this.#end)
  }

  next(): Promise<IteratorResult<Delivery, undefined>> {
    if (this.#ended) return Promise.resolve(DONE)
    const delivery = this.#queue.take()
    if (delivery !== undefined) return Promise.resolve({ done: false, value: delivery })
    return new Promise((resolve) => this.#queue.wait({ claim: this, resolve }))
  }

  return(): Promise<IteratorResult<Delivery, undefined>> {
    this.#end()
    return Promise.resolve(DONE)
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
