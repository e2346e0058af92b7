/** `headgate journal verify`: reads every stored value of a journal and says what is wrong, without writing. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError, toGatewayError } from '../errors.ts'
import { Block, STATUS } from './block.ts'
import { Identities } from './identities.ts'
import { deliveryId, numberKey, TABLE, type Table, tableEnd, tableStart } from './keys.ts'
import { namesOf } from './names.ts'
import { decodeRecord, isExpired, openBytes, recordEnd, type StoredEvent } from './record.ts'
import { storedBytes } from './recordings.ts'
import { Store } from './store.ts'
import { readLanes, readSums, type StoredLane, type Sums } from './totals.ts'

export interface Problem {
  /** What and where: `event in block 5120 at byte 2210`. */
  readonly place: string
  readonly problem: string
}

export interface VerifyReport {
  readonly path: string
  readonly format: number
  /** Counted, not taken from the totals. */
  readonly events: number
  readonly pending: number
  readonly dead: number
  readonly problems: readonly Problem[]
}

/**
 * Checks a journal, also one that a gateway has open: what it reads is one moment. Resolves with what it found; a
 * sound journal has no problems. Rejects with `JOURNAL_CORRUPT` when nothing can be read, `JOURNAL_NEWER` when not by
 * this version.
 */
export async function verifyJournal(path: string): Promise<VerifyReport> {
  if (!existsSync(join(path, 'data.mdb')))
    throw new GatewayError('JOURNAL_CORRUPT', `journal (lmdb): verifying "${path}": there is no journal in this folder`)
  const store = new Store(path, true)
  try {
    const sums = readSums(store)
    const check = new Check(store, sums, readLanes(store))
    check.run()
    return {
      path,
      format: sums.format,
      events: check.events,
      pending: check.pending,
      dead: check.dead,
      problems: check.problems,
    }
  } finally {
    await store.close()
  }
}

class Check {
  readonly problems: Problem[] = []
  events = 0
  pending = 0
  dead = 0
  readonly #store: Store
  readonly #sums: Sums
  readonly #lanes: readonly StoredLane[]
  readonly #pendingOf: number[]
  /** Deliveries that an index of times, or that of dead letters, must hold. */
  readonly #delayed = new Set<string>()
  readonly #dead = new Set<string>()

  constructor(store: Store, sums: Sums, lanes: readonly StoredLane[]) {
    this.#store = store
    this.#sums = sums
    this.#lanes = lanes
    this.#pendingOf = lanes.map(() => 0)
  }

  run(): void {
    this.#attempt('events', () => this.#checkBlocks())
    this.#attempt('states', () => this.#checkStates())
    this.#attempt('index of times', () => this.#checkIndexes())
    this.#attempt('checksums', () => this.#checkSums())
    this.#compare('events', this.#sums.events, this.events)
    this.#compare('pending deliveries', this.#sums.pending, this.pending)
    this.#compare('dead letters', this.#sums.dead, this.dead)
    const { recordings } = this.#sums
    if (recordings !== undefined) this.#compare('bytes of recordings', recordings, storedBytes(this.#store))
    for (const [id, { route, to, pending }] of this.#lanes.entries())
      this.#compare(`pending deliveries of ${route} -> ${to}`, pending, this.#pendingOf[id] ?? 0)
  }

  /** LMDB throws on a page that it cannot make sense of: the rest is still worth reading. */
  #attempt(place: string, check: () => void): void {
    try {
      check()
    } catch (error) {
      this.#found(place, `cannot be read: ${toGatewayError(error).message}`)
    }
  }

  #found(place: string, problem: string): void {
    this.problems.push({ place, problem })
  }

  #compare(what: string, counted: number, found: number): void {
    if (counted !== found) this.#found('totals', `${what}: ${counted} according to the totals, ${found} found`)
  }

  #all(table: Table): Iterable<{ key: Buffer; value: Buffer }> {
    return this.#store.range(tableStart(table), tableEnd(table))
  }

  #checkBlocks(): void {
    const identities = new Identities(this.#store, (place) => this.#found(place, 'its checksum does not fit'))
    let next = 0
    for (const { key, value } of this.#all(TABLE.events)) {
      const id = key.readDoubleBE(1)
      if (!Number.isSafeInteger(id) || id < next)
        this.#found(`block ${id}`, `lies where block ${next} or a later one was expected`)
      const records = this.#readBlock(id, value, identities)
      next = id + records.count
      const state = this.#store.get(numberKey(TABLE.open, id)) ?? this.#store.get(numberKey(TABLE.closed, id))
      const block = state && Block.read(id, state, 'open')
      if (block) this.#checkSlots(block, records.at)
      else this.#found(`block ${id}`, 'the state of its deliveries is missing or damaged')
    }
    if (next > this.#sums.next) this.#found('totals', `the next event is ${this.#sums.next}, but ${next - 1} is there`)
  }

  #readBlock(id: number, bytes: Buffer, names: Identities): { count: number; at: Map<number, StoredEvent> } {
    const at = new Map<number, StoredEvent>()
    let count = 0
    for (let offset = 0; offset < bytes.length; count++) {
      const end = recordEnd(bytes, offset)
      const record = decodeRecord(bytes, offset)
      if (record) at.set(offset, record)
      else if (!isExpired(bytes, offset))
        this.#found(`event in block ${id} at byte ${offset}`, 'its checksum does not fit')
      if (record) this.#checkNames(id + count, record, names)
      if (end === undefined) break
      offset = end
    }
    this.events += at.size
    return { count, at }
  }

  #checkNames(number: number, { event, callId }: StoredEvent, names: Identities): void {
    if (number >= names.unsealedFrom) return
    // The names of chains came with format 2: what is older is not found by them.
    for (const hash of namesOf(this.#sums.seed, event, callId).slice(0, 3))
      if (names.find(hash, (other) => other === number) === undefined)
        this.#found(`event ${number}`, `is not found by its names: a repeat of "${event.id}" would be taken for new`)
  }

  #checkSlots(block: Block, records: ReadonlyMap<number, StoredEvent>): void {
    for (let slot = 0; slot < block.slots; slot++) {
      const id = deliveryId(block.id, slot)
      const status = block.status(slot)
      if (status === STATUS.gone) continue
      const route = records.get(block.offset(slot))?.routes[block.index(slot)]
      if (route === undefined) this.#found(`delivery ${id}`, 'has no event')
      else if (route[0] !== block.lane(slot) || this.#lanes[route[0]] === undefined)
        this.#found(`delivery ${id}`, 'is in another lane than its event says')
      if (status === STATUS.delayed) this.#delayed.add(id)
      if (status === STATUS.dead) this.#dead.add(id)
      if (!block.waits(slot)) continue
      this.pending++
      this.#pendingOf[block.lane(slot)] = (this.#pendingOf[block.lane(slot)] ?? 0) + 1
    }
    this.dead = this.#dead.size
  }

  #checkStates(): void {
    for (const table of ['open', 'closed'] as const) {
      for (const { key, value } of this.#all(TABLE[table])) {
        const id = key.readDoubleBE(1)
        const block = Block.read(id, value, table)
        if (block === undefined) this.#found(`state of block ${id}`, 'its checksum does not fit')
        else if (block.unsettled > 0 !== (table === 'open'))
          this.#found(`state of block ${id}`, `must not be in "${table}"`)
        if (!this.#store.has(numberKey(TABLE.events, id))) this.#found(`state of block ${id}`, 'its events are missing')
      }
    }
  }

  #checkIndexes(): void {
    const found = { delayed: new Set<string>(), dead: new Set<string>() }
    for (const { key } of this.#all(TABLE.due))
      found.delayed.add(deliveryId(key.readDoubleBE(11), key.readUInt16BE(19)))
    for (const { key } of this.#all(TABLE.dueKeyed))
      found.delayed.add(deliveryId(key.readDoubleBE(3), key.readUInt16BE(11)))
    for (const { key } of this.#all(TABLE.dead)) found.dead.add(deliveryId(key.readDoubleBE(9), key.readUInt16BE(17)))
    const pairs = [
      ['waits for its time', this.#delayed, found.delayed],
      ['is a dead letter', this.#dead, found.dead],
    ] as const
    for (const [what, states, index] of pairs) {
      for (const id of states.difference(index))
        this.#found(`delivery ${id}`, `${what}, but the index does not have it`)
      for (const id of index.difference(states))
        this.#found(`delivery ${id}`, `is in the index, but not one that ${what}`)
    }
  }

  #checkSums(): void {
    const tables = [
      'failures',
      'answers',
      'recordings',
      'identities',
      'filters',
      'cursors',
      'dueKeyed',
      'dead',
      'once',
      'kept',
    ] as const
    for (const name of tables)
      for (const { key, value } of this.#all(TABLE[name]))
        if (openBytes(value) === undefined)
          this.#found(`${name}, key ${key.toString('hex')}`, 'its checksum does not fit')
  }
}
