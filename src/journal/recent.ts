/** Names of the newest events: hash -> event, any number of times, in flat memory that holds nothing for the collector. */

const LEAST = 1_024
const NONE = -1

export class Recent {
  /** By the lower bits of the hash: the entry that was added last. */
  #heads = new Int32Array(LEAST).fill(NONE)
  #hashes = new Float64Array(LEAST)
  #events = new Float64Array(LEAST)
  /** By entry: the one that was added before it under the same head. */
  #before = new Int32Array(LEAST)
  #size = 0

  add(hash: number, event: number): void {
    if (this.#size === this.#hashes.length) this.#grow()
    const entry = this.#size++
    this.#hashes[entry] = hash
    this.#events[entry] = event
    this.#link(entry, hash)
  }

  /** Forgets one entry. */
  remove(hash: number, event: number): void {
    const head = this.#headOf(hash)
    let after = NONE
    for (let at = this.#heads[head] ?? NONE; at !== NONE; at = this.#before[at] ?? NONE) {
      if (this.#hashes[at] === hash && this.#events[at] === event) {
        const before = this.#before[at] ?? NONE
        if (after === NONE) this.#heads[head] = before
        else this.#before[after] = before
        this.#events[at] = NONE
        return
      }
      after = at
    }
  }

  /** Whether there is an entry with this hash. */
  has(hash: number): boolean {
    for (let at = this.#heads[this.#headOf(hash)] ?? NONE; at !== NONE; at = this.#before[at] ?? NONE)
      if (this.#hashes[at] === hash) return true
    return false
  }

  /** The event with this hash that was added last of those of which `is` says that it has the name. */
  find(hash: number, is: (event: number) => boolean): number | undefined {
    for (let at = this.#heads[this.#headOf(hash)] ?? NONE; at !== NONE; at = this.#before[at] ?? NONE) {
      const event = this.#events[at] ?? NONE
      if (this.#hashes[at] === hash && is(event)) return event
    }
    return undefined
  }

  /** Calls back for each entry, in the order in which they were added. */
  each(use: (hash: number, event: number) => void): void {
    for (let entry = 0; entry < this.#size; entry++) {
      const event = this.#events[entry] ?? NONE
      if (event !== NONE) use(this.#hashes[entry] ?? 0, event)
    }
  }

  /** Forgets the events before this one. */
  forget(before: number): void {
    const [hashes, events, size] = [this.#hashes, this.#events, this.#size]
    this.#heads.fill(NONE)
    this.#size = 0
    for (let entry = 0; entry < size; entry++) {
      const event = events[entry] ?? NONE
      if (event >= before) this.add(hashes[entry] ?? 0, event)
    }
  }

  #headOf(hash: number): number {
    return (hash >>> 0) & (this.#heads.length - 1)
  }

  #link(entry: number, hash: number): void {
    const head = this.#headOf(hash)
    this.#before[entry] = this.#heads[head] ?? NONE
    this.#heads[head] = entry
  }

  #grow(): void {
    const length = this.#size * 2
    const [hashes, events] = [this.#hashes, this.#events]
    this.#heads = new Int32Array(length).fill(NONE)
    this.#hashes = new Float64Array(length)
    this.#events = new Float64Array(length)
    this.#before = new Int32Array(length)
    this.#hashes.set(hashes)
    this.#events.set(events)
    for (let entry = 0; entry < this.#size; entry++) if (events[entry] !== NONE) this.#link(entry, hashes[entry] ?? 0)
  }
}
