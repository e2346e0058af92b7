/** Bloom filters of many runs, asked all at once: which runs may hold a name. */

/** Bits of one run's filter. 24,000 names in it: 21 bits each, one wrong guess in 2,000. */
export const FILTER_BITS = 2 ** 19
const MASK = FILTER_BITS - 1
const HASHES = 5
/** Runs asked at once: a bit of a word each. */
const WIDTH = 32

/** Enters a name into the filter of one run. */
export function addToFilter(filter: Buffer, hash: number): void {
  let at = hash >>> 0
  const step = Math.floor(hash / 4294967296) * 2 + 1
  for (let i = 0; i < HASHES; i++) {
    const bit = at & MASK
    filter[bit >> 3] = (filter[bit >> 3] ?? 0) | (1 << (bit & 7))
    at += step
  }
}

interface Group<R> {
  readonly runs: (R | undefined)[]
  /** For each bit of a filter, a word with a bit for each run. One look instead of 32. */
  readonly words: Uint32Array
}

export class Filters<R> {
  readonly #groups: Group<R>[] = []

  /** Adds the filter of the newest run. */
  push(run: R, filter: Buffer): void {
    let group = this.#groups.at(-1)
    if (group === undefined || group.runs.length === WIDTH) {
      group = { runs: [], words: new Uint32Array(FILTER_BITS) }
      this.#groups.push(group)
    }
    const own = 1 << group.runs.length
    group.runs.push(run)
    for (let at = 0; at < filter.length; at++)
      for (let byte = filter[at] ?? 0; byte !== 0; byte &= byte - 1) {
        const bit = at * 8 + 31 - Math.clz32(byte & -byte)
        group.words[bit] = (group.words[bit] ?? 0) | own
      }
  }

  /** Forgets a run. */
  drop(run: R): void {
    for (const [index, { runs }] of this.#groups.entries()) {
      const at = runs.indexOf(run)
      if (at === -1) continue
      runs[at] = undefined
      if (runs.length === WIDTH && runs.every((other) => other === undefined)) this.#groups.splice(index, 1)
      return
    }
  }

  /** False when no run holds the name. */
  mayHold(hash: number): boolean {
    for (const { words } of this.#groups) if (mayHold(words, hash) !== 0) return true
    return false
  }

  /** Runs that may hold the name, newest first, until `found` says that one did. */
  ask(hash: number, found: (run: R) => boolean): boolean {
    for (let index = this.#groups.length - 1; index >= 0; index--) {
      const group = this.#groups[index]
      if (group === undefined) continue
      for (let held = mayHold(group.words, hash); held !== 0; ) {
        const at = 31 - Math.clz32(held)
        held &= ~(1 << at)
        const run = group.runs[at]
        if (run !== undefined && found(run)) return true
      }
    }
    return false
  }
}

function mayHold(words: Uint32Array, hash: number): number {
  let at = hash >>> 0
  const step = Math.floor(hash / 4294967296) * 2 + 1
  let held = -1
  for (let i = 0; i < HASHES && held !== 0; i++) {
    held &= words[at & MASK] ?? 0
    at += step
  }
  return held
}
