/** Names that a route takes once in a window: kept by digest, with the time at which each may come again. */

import { hash } from 'node:crypto'
import type { RouteRef } from './journal.ts'
import { TABLE, tableEnd, tableStart } from './keys.ts'
import { openBytes, sealBytes } from './record.ts'
import { type Change, damage, type Store } from './store.ts'
import type { Sums } from './totals.ts'

/** Two names of one digest would lose an event: 128 bits are enough for that never to happen. */
const DIGEST = 16
/** What a name takes in both tables, about: it counts against the limit of the journal. */
const NAME_BYTES = 2 * (1 + DIGEST) + 8 + 12
/** Names forgotten in one go. */
const STEP = 512

/** The digest of a route's name for an event. */
export const digestOf = (route: string, name: string): Buffer =>
  hash('sha256', `${route}\n${name}`, 'buffer').subarray(0, DIGEST)

const onceKey = (digest: Buffer): Buffer => Buffer.concat([tableStart(TABLE.once), digest])

function expiryKey(until: number, digest: Buffer): Buffer {
  const key = Buffer.alloc(9 + DIGEST)
  key[0] = TABLE.onceUntil
  key.writeDoubleBE(until, 1)
  digest.copy(key, 9)
  return key
}

/** The names that one append takes, and the routes that had them already. */
export interface Taken {
  /** By the index of the route: true when it has had the name. */
  readonly repeated: readonly boolean[]
  readonly changes: readonly Change[]
  /** Bytes more that the journal takes. */
  readonly bytes: number
  /** The append is on disk. */
  landed(): void
  /** The append is not held: its names are free. */
  refused(): void
}

export class Once {
  readonly #store: Store
  readonly #sums: Sums
  /** Names of appends that are not on disk yet, by digest: when each may come again. */
  readonly #arriving = new Map<string, number>()
  /** Names that are being forgotten. */
  #going = new Set<string>()

  constructor(store: Store, sums: Sums) {
    this.#store = store
    this.#sums = sums
  }

  /** Takes the names of an append; undefined when no route has one. */
  take(routes: readonly RouteRef[], now: number): Taken | undefined {
    if (!routes.some(({ once }) => once !== undefined)) return undefined
    const own = new Map<string, number>()
    const changes: Change[] = []
    let bytes = 0
    const repeated = routes.map(({ route, once }) => {
      if (once === undefined) return false
      const digest = digestOf(route, once.name)
      const text = digest.toString('latin1')
      if (own.has(text)) return false
      const before = this.#arriving.get(text) ?? this.#stored(digest)
      if (before !== undefined && before > now) return true
      const until = now + once.windowMs
      if (before !== undefined) changes.push([expiryKey(before, digest), undefined])
      if (before === undefined || this.#going.has(text)) bytes += NAME_BYTES
      changes.push([onceKey(digest), untilBytes(until)], [expiryKey(until, digest), SET])
      own.set(text, until)
      return false
    })
    for (const [text, until] of own) this.#arriving.set(text, until)
    const free = (): void => {
      for (const [text, until] of own) if (this.#arriving.get(text) === until) this.#arriving.delete(text)
    }
    return { repeated, changes, bytes, landed: free, refused: free }
  }

  /** What forgets some of the names whose time is over; empty when there are none. */
  sweep(now: number): Change[] {
    const changes: Change[] = []
    this.#going = new Set()
    for (const found of this.#store.keys(tableStart(TABLE.onceUntil), tableEnd(TABLE.onceUntil), STEP)) {
      const key = Buffer.from(found)
      if (key.readDoubleBE(1) > now) break
      const digest = key.subarray(9)
      const text = digest.toString('latin1')
      // One that is about to be taken again changes both entries itself.
      if (this.#arriving.has(text)) continue
      this.#going.add(text)
      changes.push([key, undefined], [onceKey(digest), undefined])
      this.#sums.bytes -= NAME_BYTES
    }
    return changes
  }

  #stored(digest: Buffer): number | undefined {
    const sealed = this.#store.get(onceKey(digest))
    if (sealed === undefined) return undefined
    const body = openBytes(sealed)
    if (body?.length !== 8) throw damage(this.#store.path, `the name ${digest.toString('hex')}`)
    return body.readDoubleLE(0)
  }
}

const SET = Buffer.from([1])

function untilBytes(until: number): Buffer {
  const body = Buffer.alloc(8)
  body.writeDoubleLE(until, 0)
  return sealBytes(body)
}
