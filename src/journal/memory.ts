/** The journal in memory: for tests and benches, and for gateways that may forget. Same contract, nothing survives. */

import { GatewayError } from '../errors.ts'
import { Alarm, type SetTimer } from './alarm.ts'
import { HandedOut } from './handed.ts'
import type {
  Appended,
  DeadLetter,
  DeadLetterFilter,
  Delivery,
  Entry,
  Journal,
  JournalStats,
  JournalUse,
  Lane,
  Outcome,
  RouteRef,
} from './journal.ts'
import { deliveryId } from './keys.ts'
import { type Item, LaneQueue } from './lane.ts'
import { MemoryRoom } from './memory-room.ts'
import {
  chained,
  deadLetter,
  eventRecord,
  type Held,
  identityOf,
  keepOutcome,
  lastSettled,
  lease,
  type MemoryLane,
  MemoryNames,
  matches,
  oldestPending,
  recordingOf,
  retained,
  type Slot,
  standFor,
} from './memory-slot.ts'
import { MemoryTexts } from './memory-texts.ts'

export interface MemoryJournalOptions {
  readonly now?: () => number
  /** The timer of the clock that `now` reads; the machine's when absent. */
  readonly timer?: SetTimer
  /** How long a settled event is remembered. Milliseconds; a day when absent. */
  readonly retainMs?: number
  /** Bytes of event data and of recordings that may be held; no bound when absent. */
  readonly maxBytes?: number
}

/** Opens an empty journal that lives as long as the process. */
export function openMemoryJournal(options: MemoryJournalOptions = {}): Journal {
  return new MemoryJournal(options)
}

class MemoryJournal implements Journal {
  readonly failed: Promise<Error> = new Promise(() => undefined)
  readonly #now: () => number
  readonly #retainMs: number
  readonly #alarm: Alarm
  readonly #lanes = new Map<string, Map<string, MemoryLane>>()
  /** In the order of append. */
  readonly #byCall = new Map<string, Held>()
  #oldest = this.#byCall.values()
  readonly #byIdentity = new Map<string, Held>()
  readonly #byId = new Map<string, Held>()
  readonly #slots = new Map<string, Slot>()
  /** In the order in which they died. */
  readonly #dead = new Map<string, Slot>()
  readonly #names = new MemoryNames()
  readonly #texts = new MemoryTexts()
  readonly #cursors = new Map<string, string>()
  #next = 0
  readonly #room: MemoryRoom
  #pending = 0
  #closed = false

  constructor(options: MemoryJournalOptions) {
    this.#now = options.now ?? Date.now
    this.#retainMs = options.retainMs ?? 86_400_000
    this.#room = new MemoryRoom(options.maxBytes)
    const wake = () => {
      for (const { queue } of this.#allLanes()) queue.wake()
    }
    this.#alarm = new Alarm(this.#now, wake, options.timer)
  }

  async append(entry: Entry): Promise<Appended> {
    if (this.#closed) throw new GatewayError('STOPPING', 'journal (memory): appending an event: the journal is closing')
    const identity = identityOf(entry)
    const first = this.#byIdentity.get(identity) ?? this.#byCall.get(entry.callId)
    if (first !== undefined) return { callId: first.entry.callId, duplicate: true }
    this.#expire()
    const bytes = entry.event.data?.length ?? 0
    this.#room.take(bytes)
    const acceptedAt = this.#now()
    const repeated = this.#names.take(entry.routes, acceptedAt)
    const held: Held = { entry, acceptedAt, bytes, slots: [], waiting: 0 }
    this.#byIdentity.set(identity, held)
    this.#byCall.set(entry.callId, held)
    this.#byId.set(entry.event.id, held)
    const block = this.#next++
    for (const [index, ref] of entry.routes.entries()) {
      const slot = this.#addSlot(held, ref, block, index)
      if (repeated.has(ref.route)) Object.assign(slot, { status: 'done', settledAt: acceptedAt, note: 'repeated' })
      else this.#count(slot, 1)
      const before = slot.status === 'due' ? standFor(slot, acceptedAt) : undefined
      if (before) this.#count(before, -1)
    }
    for (const { lane, item, status } of held.slots) if (status === 'due') lane.queue.offer(item)
    return { callId: entry.callId, duplicate: false, ...(repeated.size > 0 ? { repeated: [...repeated] } : {}) }
  }

  claim(lane: Lane, signal: AbortSignal): AsyncIterableIterator<Delivery> {
    return this.#lane(lane).queue.claim(signal)
  }

  async settle({ id }: Delivery, outcome: Outcome): Promise<void> {
    const slot = this.#slots.get(id)
    if (slot?.status !== 'leased') return
    keepOutcome(slot, outcome, this.#now())
    this.#room.keep(slot, outcome)
    if (outcome.status === 'retry') return this.#again(slot, outcome.at)
    slot.status = outcome.status
    this.#count(slot, -1)
    if (outcome.status === 'dead') this.#dead.set(id, slot)
    slot.lane.queue.finished(slot.item)
  }

  async postpone({ id }: Delivery, at: number): Promise<void> {
    const slot = this.#slots.get(id)
    if (slot?.status === 'leased') this.#again(slot, at)
  }

  release({ id }: Delivery): void {
    const slot = this.#slots.get(id)
    if (slot?.status !== 'leased') return
    slot.status = 'due'
    slot.lane.queue.giveBack(slot.item)
  }

  find: Journal['find'] = async (key) => {
    const held = 'callId' in key ? this.#byCall.get(key.callId) : this.#byId.get(key.eventId)
    return held && eventRecord(held)
  }

  chain: Journal['chain'] = async (name, limit) => chained(this.#byCall.values(), name, limit)

  keep: Journal['keep'] = (text) => this.#texts.keep(text)

  text: Journal['text'] = async (number) => this.#texts.text(number)

  events: Journal['events'] = (span = {}) => retained([...this.#byCall.values()], span)

  async *deadLetters(filter: DeadLetterFilter = {}): AsyncGenerator<DeadLetter, void> {
    for (const slot of this.#dead.values()) {
      const letter = deadLetter(slot)
      if (letter && matches(letter, filter)) yield letter
    }
  }

  recording: Journal['recording'] = async (id) => recordingOf(this.#slots.get(id))

  async redrive(filter: DeadLetterFilter): Promise<number> {
    const slots = await this.#takeDead(filter)
    for (const slot of slots) {
      slot.attempts = 0
      this.#count(slot, 1)
      slot.status = 'due'
      slot.item.due = 0
      this.#renew(slot)
      slot.lane.queue.offer(slot.item)
    }
    return slots.length
  }

  async drop(filter: DeadLetterFilter): Promise<number> {
    const slots = await this.#takeDead(filter)
    for (const slot of slots) slot.status = 'dropped'
    return slots.length
  }

  cursor: Journal['cursor'] = async (name) => this.#cursors.get(name)

  setCursor: Journal['setCursor'] = async (name, value) => void this.#cursors.set(name, value)

  get used(): JournalUse {
    return { pending: this.#pending, bytes: this.#room.bytes }
  }

  stats(): JournalStats {
    const lanes = [...this.#allLanes()].filter(({ pending }) => pending > 0)
    const oldest = this.#pending > 0 ? oldestPending(this.#byCall.values()) : undefined
    return {
      events: this.#byCall.size,
      pending: this.#pending,
      dead: this.#dead.size,
      bytes: this.#room.bytes,
      lanes: lanes.map(({ lane, pending }) => ({ ...lane, pending })),
      ...(oldest === undefined ? {} : { oldestPending: oldest }),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#alarm.stop()
    for (const { queue } of this.#allLanes()) queue.leave()
  }

  #addSlot(held: Held, ref: RouteRef, block: number, index: number): Slot {
    const { key, due = 0 } = ref
    const item: Item = { id: deliveryId(block, index), block, slot: index, key, due, indexed: false, held: undefined }
    const lane = this.#lane(ref)
    const slot: Slot = { held, ref, item, lane, status: 'due', attempts: 0 }
    this.#renew(slot)
    this.#slots.set(item.id, slot)
    held.slots.push(slot)
    return slot
  }

  #count({ held, lane }: Slot, by: 1 | -1): void {
    held.waiting += by
    lane.pending += by
    this.#pending += by
  }

  /** Sets what is handed out next time. */
  #renew(slot: Slot): void {
    const { held, ref, item, lane, attempts } = slot
    const known = { ...held.entry, acceptedAt: held.acceptedAt }
    item.held = new HandedOut(item, lane.lane, known, ref.answers === true, attempts + 1)
  }

  #again(slot: Slot, at: number): void {
    slot.status = 'due'
    slot.item.due = at
    this.#renew(slot)
    slot.lane.queue.again(slot.item)
  }

  async #takeDead(filter: DeadLetterFilter): Promise<Slot[]> {
    const slots: Slot[] = []
    for (const [id, slot] of this.#dead) {
      const letter = deadLetter(slot)
      if (letter === undefined || !matches(letter, filter)) continue
      this.#dead.delete(id)
      this.#room.forget(slot)
      slots.push(slot)
    }
    return slots
  }

  /** Forgets what has been settled for long enough: looks at two events for each append, in turn. */
  #expire(): void {
    const cutoff = this.#now() - this.#retainMs
    for (let looked = 0; looked < 2; looked++) {
      const { value: held } = this.#oldest.next()
      if (held === undefined || held.acceptedAt > cutoff) {
        this.#oldest = this.#byCall.values()
        return
      }
      const over = held.waiting === 0 && held.slots.every(({ status }) => status !== 'dead')
      if (over && lastSettled(held) <= cutoff) this.#forget(held)
    }
  }

  #forget(held: Held): void {
    this.#byCall.delete(held.entry.callId)
    this.#byIdentity.delete(identityOf(held.entry))
    if (this.#byId.get(held.entry.event.id) === held) this.#byId.delete(held.entry.event.id)
    for (const { item } of held.slots) this.#slots.delete(item.id)
    this.#room.free(held)
  }

  #lane({ route, to }: Lane): MemoryLane {
    const targets = this.#lanes.get(route) ?? new Map<string, MemoryLane>()
    const known = targets.get(to)
    if (known) return known
    const queue = new LaneQueue({
      now: this.#now,
      load: (item) => item.held,
      unload: () => undefined,
      leased: ({ id }) => {
        const slot = this.#slots.get(id)
        if (slot) lease(slot)
      },
      refill: () => undefined,
      wakeAt: (due) => this.#alarm.at(due),
    })
    const lane: MemoryLane = { lane: { route, to }, queue, pending: 0, waiting: new Map() }
    this.#lanes.set(route, targets.set(to, lane))
    return lane
  }

  *#allLanes(): Generator<MemoryLane> {
    for (const targets of this.#lanes.values()) yield* targets.values()
  }
}
