/** Which events the journal holds: names (source + id, callId) found without touching the events. */

import { addToFilter, FILTER_BITS, Filters } from './filters.ts'
import { numberKey, slotKey, TABLE, tableEnd, tableStart } from './keys.ts'
import { Recent } from './recent.ts'
import { CHECKSUM, openBytes, seal, sealBytes } from './record.ts'
import type { Change, Store } from './store.ts'

/**
 * Random keys in one B-tree cost a page write each, and more the larger the tree grows. So names are kept by time: the
 * newest in a map, older ones in sealed runs that are written once, front to back, with a filter in memory, and that
 * go as one when their events expire. An append costs the same on an empty journal and on a large one.
 */
const RUN_EVENTS = 8_192
const BUCKETS = 256
/** check (4), event minus the first of the run (4). */
const ENTRY = 8

/** 53 bits that name a text; two texts with the same hash are told apart by their events. */
export function hashName(seed: number, first: string, second: string): number {
  let high = 0xdeadbeef ^ seed
  let low = 0x41c6ce57 ^ seed
  for (let i = 0; i < first.length; i++) {
    const code = first.charCodeAt(i)
    high = Math.imul(high ^ code, 2654435761)
    low = Math.imul(low ^ code, 1597334677)
  }
  high = Math.imul(high ^ 0x1f, 2246822507)
  for (let i = 0; i < second.length; i++) {
    const code = second.charCodeAt(i)
    high = Math.imul(high ^ code, 2654435761)
    low = Math.imul(low ^ code, 1597334677)
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909)
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909)
  return 4294967296 * (2097151 & low) + (high >>> 0)
}

interface Run {
  /** First event, and the one after the last. */
  readonly from: number
  readonly to: number
}

const lowOf = (hash: number): number => hash >>> 0
const highOf = (hash: number): number => Math.floor(hash / 4294967296)
const bucketOf = (hash: number): number => highOf(hash) & (BUCKETS - 1)

export class Identities {
  readonly #store: Store
  readonly #damaged: (place: string) => void
  /** Oldest first. */
  readonly #runs: Run[] = []
  readonly #filters = new Filters<Run>()
  readonly #recent = new Recent()
  /** First event that no run holds. */
  #from = 0

  constructor(store: Store, damaged: (place: string) => void) {
    this.#store = store
    this.#damaged = damaged
    for (const { key, value } of store.range(tableStart(TABLE.filters), tableEnd(TABLE.filters))) {
      const body = openBytes(value)
      if (body?.length === 8 + FILTER_BITS / 8) this.#addRun(key, body)
      else damaged(`the filter of names from event ${key.readDoubleBE(1)}`)
    }
    this.#from = this.#runs.at(-1)?.to ?? 0
  }

  /** The first event whose names are to be added again after a start. */
  get unsealedFrom(): number {
    return this.#from
  }

  add(hash: number, event: number): void {
    this.#recent.add(hash, event)
  }

  remove(hash: number, event: number): void {
    this.#recent.remove(hash, event)
  }

  /** False when no event has this hash. */
  mayHold(hash: number): boolean {
    return this.#recent.has(hash) || this.#filters.mayHold(hash)
  }

  /** The first event with this hash, newest run first, of which `is` says that it has the name. */
  find(hash: number, is: (event: number) => boolean): number | undefined {
    let found = this.#recent.find(hash, is)
    if (found !== undefined) return found
    this.#filters.ask(hash, (run) => {
      found = this.#findInRun(run, hash, is)
      return found !== undefined
    })
    return found
  }

  /** What makes a run of the names so far, once there are enough; `next` is the next event's number. */
  seal(next: number): Change[] {
    if (next - this.#from < RUN_EVENTS) return []
    const from = this.#from
    const filter = Buffer.alloc(8 + FILTER_BITS / 8)
    filter.writeDoubleLE(next, 0)
    const own = filter.subarray(8)
    const ends = new Uint32Array(BUCKETS)
    this.#recent.each((hash, event) => {
      if (event >= next) return
      addToFilter(own, hash)
      const bucket = bucketOf(hash)
      ends[bucket] = (ends[bucket] ?? 0) + ENTRY
    })
    return [[numberKey(TABLE.filters, from), sealBytes(filter)], ...this.#sealBuckets(from, next, ends)]
  }

  /** Called once what `seal` returned is on disk. */
  sealed(changes: readonly Change[]): void {
    const [key, value] = changes[0] ?? []
    const body = value === undefined ? undefined : openBytes(value)
    if (key === undefined || body === undefined) return
    const run = this.#addRun(key, body)
    this.#from = run.to
    this.#recent.forget(run.to)
  }

  /** The oldest run, when all of it lies before `event`. */
  oldestBefore(event: number): { readonly from: number; readonly to: number } | undefined {
    const run = this.#runs[0]
    return run !== undefined && run.to <= event ? run : undefined
  }

  /** Forgets the oldest run; returns what removes it. */
  dropOldest(): Change[] {
    const run = this.#runs.shift()
    if (run === undefined) return []
    this.#filters.drop(run)
    const changes: Change[] = [[numberKey(TABLE.filters, run.from), undefined]]
    const keys = this.#store.keys(slotKey(TABLE.identities, run.from, 0), slotKey(TABLE.identities, run.from, BUCKETS))
    for (const key of keys) changes.push([Buffer.from(key), undefined])
    return changes
  }

  /** One value for each bucket that has names, all in one piece of memory; `sizes` are the bytes of their entries. */
  #sealBuckets(from: number, next: number, sizes: Uint32Array): Change[] {
    const changes: Change[] = []
    const places = new Uint32Array(BUCKETS)
    const all = Buffer.allocUnsafeSlow(sizes.reduce((sum, size) => sum + (size === 0 ? 0 : CHECKSUM + size), 0))
    let end = 0
    for (const [bucket, size] of sizes.entries()) {
      if (size === 0) continue
      places[bucket] = end + CHECKSUM
      changes.push([slotKey(TABLE.identities, from, bucket), all.subarray(end, end + CHECKSUM + size)])
      end += CHECKSUM + size
    }
    this.#recent.each((hash, event) => {
      if (event >= next) return
      const bucket = bucketOf(hash)
      const at = places[bucket] ?? 0
      places[bucket] = all.writeUInt32LE(event - from, all.writeUInt32LE(lowOf(hash), at))
    })
    for (const [, value] of changes) if (value) seal(value)
    return changes
  }

  #addRun(key: Buffer, body: Buffer): Run {
    const run: Run = { from: key.readDoubleBE(1), to: body.readDoubleLE(0) }
    this.#runs.push(run)
    this.#filters.push(run, body.subarray(8))
    return run
  }

  #findInRun(run: Run, hash: number, is: (event: number) => boolean): number | undefined {
    const sealed = this.#store.get(slotKey(TABLE.identities, run.from, bucketOf(hash)))
    const entries = sealed === undefined ? undefined : openBytes(sealed)
    // A filter that says yes without a bucket is a wrong guess.
    if (sealed !== undefined && entries === undefined) this.#damaged(`names of the run from event ${run.from}`)
    if (entries === undefined) return undefined
    const check = lowOf(hash)
    for (let at = entries.length - ENTRY; at >= 0; at -= ENTRY) {
      if (entries.readUInt32LE(at) !== check) continue
      const event = run.from + entries.readUInt32LE(at + 4)
      if (is(event)) return event
    }
    return undefined
  }
}
