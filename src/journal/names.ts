/** Finds events by their names: whether one is held already, which one a callId or an id means. */

import type { CloudEvent } from '../event/index.ts'
import type { Blocks, Located } from './blocks.ts'
import { hashName, type Identities } from './identities.ts'
import type { Appended, Entry } from './journal.ts'
import { numberKey, TABLE, tableEnd } from './keys.ts'
import type { Store } from './store.ts'

/** An append that is not on disk yet, as far as its names go. */
export interface Arriving {
  readonly entry: Entry
  readonly promise: Promise<Appended>
}

/** Hashes of the names that an event is found by; one that came of another is found by the name of its chain, too. */
export function namesOf(
  seed: number,
  event: Pick<CloudEvent, 'extensions' | 'id' | 'source'>,
  callId: string,
): readonly [identity: number, call: number, id: number, ...chain: number[]] {
  const identity = hashName(seed, event.source, event.id)
  const call = hashName(seed, '\u0001', callId)
  const id = hashName(seed, '\u0002', event.id)
  const chain = event.extensions === undefined ? undefined : chainOf(event)
  return chain === undefined ? [identity, call, id] : [identity, call, id, hashName(seed, '\u0003', chain)]
}

/** The name of the chain that an event is a later part of: it names its cause, and what all of the chain came of. */
export function chainOf(event: Pick<CloudEvent, 'extensions'>): string | undefined {
  if (event.extensions?.['causationid'] === undefined) return undefined
  const name = event.extensions['correlationid']
  return name === undefined ? undefined : String(name)
}

export class Names {
  readonly #seed: number
  readonly #blocks: Blocks
  readonly #identities: Identities
  readonly #arriving: ReadonlyMap<number, Arriving>

  constructor(seed: number, blocks: Blocks, identities: Identities, arriving: ReadonlyMap<number, Arriving>) {
    this.#seed = seed
    this.#blocks = blocks
    this.#identities = identities
    this.#arriving = arriving
  }

  /** What an append resolves to when the event is held already, or about to be. */
  held(entry: Entry, [identity, call]: ReturnType<typeof namesOf>): Promise<Appended> | undefined {
    // Of most neither name was ever seen.
    if (!this.#identities.mayHold(identity) && !this.#identities.mayHold(call)) return undefined
    return this.#held(entry, identity, call)
  }

  #held({ event, callId }: Entry, identity: number, call: number): Promise<Appended> | undefined {
    let found: Arriving | Located | undefined
    const is = (number: number): boolean => {
      found = this.#arriving.get(number) ?? this.#blocks.locate(number)
      if (found === undefined) return false
      const held = 'entry' in found ? found.entry : found.record
      return held.callId === callId || (held.event.id === event.id && held.event.source === event.source)
    }
    const known = this.#identities.find(identity, is) ?? this.#identities.find(call, is)
    if (known === undefined || found === undefined) return undefined
    if ('record' in found) return Promise.resolve({ callId: found.record.callId, duplicate: true })
    return found.promise.then(({ callId: first }) => ({ callId: first, duplicate: true }))
  }

  byCallId(callId: string): Located | undefined {
    const [, hash] = namesOf(this.#seed, { source: '', id: '' }, callId)
    return this.#locate(hash, ({ record }) => record.callId === callId)
  }

  byId(id: string): Located | undefined {
    const [, , hash] = namesOf(this.#seed, { source: '', id }, '')
    return this.#locate(hash, ({ record }) => record.event.id === id)
  }

  /** The later events of a chain, oldest first; of more than `limit` some. */
  byChain(name: string, limit: number): readonly Located[] {
    const found = new Map<number, Located>()
    this.#identities.find(hashName(this.#seed, '\u0003', name), (number) => {
      const located = this.#arriving.has(number) ? undefined : this.#blocks.locate(number)
      if (located && chainOf(located.record.event) === name) found.set(number, located)
      return found.size >= limit
    })
    return [...found].sort(([a], [b]) => a - b).map(([, located]) => located)
  }

  /** Names of events that no sealed run holds are kept in memory: a start reads those events again. */
  readRecent(store: Store): void {
    const from = numberKey(TABLE.events, this.#identities.unsealedFrom)
    for (const { key, value } of store.range(from, tableEnd(TABLE.events))) {
      this.#blocks.eachRecord(key.readDoubleBE(1), value, (record, number) => {
        for (const hash of namesOf(this.#seed, record.event, record.callId)) this.#identities.add(hash, number)
      })
    }
  }

  #locate(hash: number, is: (located: Located) => boolean): Located | undefined {
    let found: Located | undefined
    this.#identities.find(hash, (number) => {
      const located = this.#arriving.has(number) ? undefined : this.#blocks.locate(number)
      if (located === undefined || !is(located)) return false
      found = located
      return true
    })
    return found
  }
}
