/** The journal on one machine: LMDB under group commit, with what is due now handed out from memory. */

import { type GatewayError, toGatewayError } from '../errors.ts'
import { Alarm } from './alarm.ts'
import { full, LARGEST, letGo, limitFor, newArrival, noRoom, type Placed } from './arrival.ts'
import { Blocks, type Located } from './blocks.ts'
import { readCursor, writeCursor } from './cursors.ts'
import { chainsOf, debounced, readBack, supersede, type WaitingSlot } from './debounce.ts'
import type { LaneFeed, Lease } from './feed.ts'
import { Identities } from './identities.ts'
import { Intake } from './intake.ts'
import type { Appended, Delivery, Entry, Journal, JournalStats, JournalUse, Lane, Outcome } from './journal.ts'
import { Kept } from './kept.ts'
import type { Item } from './lane.ts'
import { Lanes, type LanesHost } from './lanes.ts'
import { DeadLetters } from './letters.ts'
import { lockFolder } from './lock.ts'
import { Names, namesOf } from './names.ts'
import { Once } from './once.ts'
import { RecordDraft, routeEntry } from './record.ts'
import { Recordings } from './recordings.ts'
import { eventRecord, journalStats } from './report.ts'
import { retained } from './retained.ts'
import type { JournalOptions, JournalSettings } from './settings.ts'
import { type Ending, settleChanges } from './settle.ts'
import { damage, Store, stopping } from './store.ts'
import { Sweep } from './sweep.ts'
import { FORMAT, keepTime, readLanes, readSums, type Sums, writeSums } from './totals.ts'
import { Writer } from './writer.ts'

/**
 * Opens the journal in a folder, made when absent. Resolves when it takes appends. Rejects with `JOURNAL_LOCKED`,
 * `JOURNAL_NEWER` or `JOURNAL_CORRUPT`.
 */
export async function openJournal(settings: JournalSettings, options: JournalOptions = {}): Promise<Journal> {
  return LmdbJournal.open(settings, options)
}

class LmdbJournal implements Journal, LanesHost {
  readonly store: Store
  readonly blocks: Blocks
  readonly now: () => number
  shown: number
  readonly #settings: JournalSettings
  readonly #log: JournalOptions['log']
  readonly #unlock: () => void
  readonly sums: Sums
  readonly once: Once
  readonly kept: Kept
  readonly identities: Identities
  readonly intake: Intake
  readonly recordings: Recordings
  readonly #lanes: Lanes
  readonly #names: Names
  readonly #writer: Writer
  readonly #alarm: Alarm
  readonly #letters: DeadLetters
  readonly #sweep: Sweep
  readonly #leases = new Map<string, Lease>()
  /** Outcomes on their way to the disk, by delivery: whoever asks meanwhile is told of them whole. */
  readonly #settling = new Map<string, Ending>()
  #next: number
  #quarantined = 0
  #closing: Promise<void> | undefined

  static async open(settings: JournalSettings, options: JournalOptions): Promise<LmdbJournal> {
    const unlock = lockFolder(settings.path)
    let store: Store | undefined
    try {
      store = new Store(settings.path)
      return new LmdbJournal(settings, options, store, unlock)
    } catch (error) {
      await store?.close()
      unlock()
      throw error
    }
  }

  constructor(settings: JournalSettings, options: JournalOptions, store: Store, unlock: () => void) {
    this.store = store
    this.#settings = settings
    this.#log = options.log
    this.#unlock = unlock
    this.sums = { ...readSums(store), format: FORMAT }
    this.now = keepTime(this.sums, options)
    this.once = new Once(store, this.sums)
    this.kept = new Kept(store)
    this.shown = this.sums.next
    this.#next = this.sums.next
    this.blocks = new Blocks(store, (place) => this.#damaged(place))
    this.identities = new Identities(store, (place) => this.#damaged(place))
    this.#lanes = new Lanes(this)
    for (const lane of readLanes(store)) this.#lanes.add(lane, lane.pending)
    this.intake = new Intake(store, this.sums, this.blocks, this.identities, this.#lanes.all, (placed) =>
      this.#show(placed),
    )
    this.recordings = new Recordings(store, this.sums, this.intake, settings.maxBytes)
    this.#names = new Names(this.sums.seed, this.blocks, this.identities, this.intake.arrivals)
    this.#names.readRecent(store)
    this.#writer = new Writer(store, this.intake)
    this.#alarm = new Alarm(this.now, () => this.#lanes.wake())
    this.#letters = new DeadLetters(this)
    this.#sweep = new Sweep(this, settings.retainMs)
  }

  get failed(): Promise<Error> {
    return this.#writer.failed
  }

  append(entry: Entry): Promise<Appended> {
    const refusal = this.#refusal()
    if (refusal) return Promise.reject(refusal)
    try {
      return this.#append(entry)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #append(given: Entry): Promise<Appended> {
    const names = namesOf(this.sums.seed, given.event, given.callId)
    const held = this.#names.held(given, names)
    if (held !== undefined) return held
    const acceptedAt = this.now()
    const feeds = given.routes.map((route) => this.#lanes.get(route))
    const once = this.once.take(given.routes, acceptedAt)
    const entry = debounced(this, given, feeds, acceptedAt, once?.repeated)
    const routes = entry.routes.map((route, index) => routeEntry(feeds[index]?.id ?? 0, route, acceptedAt))
    const draft = new RecordDraft(entry, routes, acceptedAt)
    const { maxBytes } = this.#settings
    if (this.sums.bytes + this.intake.bytes + draft.bytes > limitFor(given, maxBytes) || draft.bytes > LARGEST) {
      letGo({ entry, feeds, once })
      return Promise.reject(noRoom('lmdb', draft.bytes, maxBytes))
    }
    const arrival = newArrival({ number: this.#next++, entry, acceptedAt, feeds, draft, names, once })
    this.intake.arrive(arrival)
    this.#writer.schedule()
    return arrival.promise
  }

  claim(lane: Lane, signal: AbortSignal): AsyncIterableIterator<Delivery> {
    return this.#lanes.get(lane).claim(signal)
  }

  settle(delivery: Delivery, outcome: Outcome): Promise<void> {
    return this.#end(delivery.id, outcome)
  }

  postpone(delivery: Delivery, at: number): Promise<void> {
    return this.#end(delivery.id, { status: 'later', at })
  }

  #end(id: string, ending: Ending): Promise<void> {
    if (this.#writer.error) return Promise.reject(this.#writer.error)
    const lease = this.#leases.get(id)
    // Settled before, or on its way: on disk when all that waits is.
    if (lease === undefined) return this.intake.done()
    this.#leases.delete(id)
    const { item, feed } = lease
    const block = this.blocks.get(item.block)
    if (block === undefined) return Promise.reject(damage(this.#settings.path, `the state of block ${item.block}`))
    for (const change of settleChanges(this, block, item, feed, ending, this.now())) this.intake.change(change)
    this.intake.touch(block)
    if (ending.status !== 'later') this.sums.bytes += block.keep(item.slot, ending.figures)
    if (!('at' in ending)) {
      feed.count(-1)
      this.sums.pending--
      if (ending.status === 'dead') this.sums.dead++
    }
    this.#settling.set(id, ending)
    feed.settling(item)
    this.intake.after(() => {
      this.#settling.delete(id)
      feed.settled(item, 'at' in ending ? ending.at : undefined)
    })
    this.#writer.schedule(ending.status === 'done' && item.key === undefined)
    return this.intake.done()
  }

  release(delivery: Delivery): void {
    const lease = this.#leases.get(delivery.id)
    if (this.#leases.delete(delivery.id)) lease?.feed.giveBack(lease.item)
  }

  find: Journal['find'] = async (key) => {
    const located = 'callId' in key ? this.#names.byCallId(key.callId) : this.#names.byId(key.eventId)
    return located && this.#told(located)
  }

  chain: Journal['chain'] = async (name, limit) => this.#names.byChain(name, limit).map(this.#told)

  #told = (located: Located) => eventRecord(this.store, located, this.#lanes.all, this.#settling)

  keep(text: string): number {
    const { changes, number } = this.kept.keep(text, this.now())
    if (changes.length > 0) void this.write(changes)
    return number
  }

  text: Journal['text'] = async (number) => this.kept.text(number)

  events: Journal['events'] = (span = {}) => retained(this, span)

  deadLetters: Journal['deadLetters'] = (filter = {}) => this.#letters.list(filter)

  recording: Journal['recording'] = async (id) => this.#letters.recording(id)

  redrive: Journal['redrive'] = (filter) => this.#letters.redrive(filter)

  drop: Journal['drop'] = (filter) => this.#letters.drop(filter)

  cursor: Journal['cursor'] = async (name) => readCursor(this.store, name)

  setCursor(name: string, value: string): Promise<void> {
    if (this.#writer.error) return Promise.reject(this.#writer.error)
    return this.write([writeCursor(name, value)])
  }

  stats(): JournalStats {
    const oldestPending = this.sums.pending > 0 ? this.blocks.oldestPending() : undefined
    return journalStats(this.sums, this.#lanes.all, oldestPending, this.#quarantined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  get used(): JournalUse {
    return this.sums
  }

  get feeds(): readonly LaneFeed[] {
    return this.#lanes.all
  }

  wakeAt = (due: number): void => this.#alarm.at(due)

  /** Writes changes with the next transaction. Resolves once they are on disk. */
  write(changes: readonly (readonly [Buffer, Buffer | undefined])[]): Promise<void> {
    this.intake.change(...changes)
    this.#writer.schedule()
    return this.intake.done()
  }

  unreadable(error: unknown): void {
    // A claim that goes on after the close reads from a store that is gone: that is no failure.
    if (this.#closing === undefined) this.#writer.fail(toGatewayError(error))
  }

  landed(feed: LaneFeed, name: string, waiting: WaitingSlot): void {
    supersede(this, feed, chainsOf(this, feed).landed(name, waiting))
  }

  load = (item: Item, feed: LaneFeed): Delivery | undefined => readBack(this, item, feed)

  leased(item: Item, feed: LaneFeed): void {
    this.#leases.set(item.id, { item, feed })
  }

  #refusal(): GatewayError | undefined {
    if (this.#writer.error) return this.#writer.error
    if (this.#closing !== undefined) return stopping('appending an event')
    return this.#writer.full ? full() : undefined
  }

  /** Lets the lanes have what has just reached the disk; those that read from disk may read as far as that now. */
  #show(placed: readonly Placed[]): void {
    this.#lanes.show(placed)
    this.shown = this.sums.next
    this.#lanes.pump()
  }

  #damaged(place: string): void {
    this.#quarantined++
    this.#log?.error({ place, path: this.#settings.path }, damage(this.#settings.path, place).message)
  }

  async #close(): Promise<void> {
    await this.#sweep.stop()
    this.#alarm.stop()
    this.#lanes.leave()
    await this.#writer.drain()
    // Only while the disk is full: what could not be written is due again at the next start.
    if (this.intake.waiting) this.intake.wrecked(stopping('settling'))
    // The last transaction may have made the file longer.
    if (!this.#writer.error && this.sums.file < this.store.bytes)
      await this.store.commit([writeSums({ ...this.sums, file: this.store.bytes })]).catch(() => undefined)
    await this.store.close()
    this.#unlock()
  }
}
