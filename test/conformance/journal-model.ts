/** A journal as plain as can be, that breaks one promise when told to: the suite's own test, and the model of others. */

import { GatewayError } from '#connector'
import type {
  Answer,
  Appended,
  DeadLetter,
  DeadLetterFilter,
  Delivery,
  Entry,
  EventRecord,
  Journal,
  JournalStats,
  Lane,
  Outcome,
  RetainedEvent,
  Span,
} from '../../src/journal/journal.ts'
import type { JournalOpenOptions } from './journal-bench.ts'
import {
  delivery,
  type Held,
  type JournalFault,
  laneName,
  laneOf,
  type ModelDisk,
  type Slot,
} from './journal-faults.ts'
import { chained, keepText, told, tried } from './journal-history.ts'

interface Taker {
  readonly lane: Lane
  readonly own: Slot[]
  ended: boolean
  readonly waiting: ((result: IteratorResult<Delivery>) => void)[]
}

const DONE: IteratorResult<Delivery> = { done: true, value: undefined }
const size = ({ event }: Entry): number => event.data?.length ?? 0
const over = ({ status }: Slot): boolean => status === 'done' || status === 'dropped'

export class ModelJournal implements Journal {
  readonly failed: Promise<Error> = new Promise(() => undefined)
  readonly disk: ModelDisk
  readonly #options: JournalOpenOptions
  readonly #fault: JournalFault | undefined
  readonly #takers: Taker[] = []
  readonly #timer: NodeJS.Timeout

  constructor(
    options: JournalOpenOptions,
    fault?: JournalFault,
    disk: ModelDisk = { held: [], cursors: new Map(), names: new Map(), texts: [], next: 0 },
  ) {
    this.disk = disk
    this.#options = options
    this.#fault = fault
    this.#timer = setInterval(() => this.#pump(), 5)
    for (const slot of this.#slots()) this.#restart(slot)
    if (fault === 'forgets-recordings') for (const slot of this.#slots()) slot.recording = undefined
    this.#collapse()
    if (fault === 'forgets-cursors') disk.cursors.clear()
    if (fault === 'forgets-names') disk.names.clear()
    if (fault === 'forgets-texts') disk.texts.length = 0
  }

  async append(entry: Entry): Promise<Appended> {
    const early = this.#held(entry)
    await new Promise((resolve) => setImmediate(resolve))
    const held = this.#fault === 'looks-before-it-waits' ? early : this.#held(entry)
    if (held) return { callId: held.entry.callId, duplicate: true }
    this.#expire()
    const refusal = this.#refusal(size(entry))
    if (refusal) throw refusal
    const made: Held = { entry, acceptedAt: this.#options.now(), slots: [] }
    const repeated = this.#repeated(entry)
    for (const ref of entry.routes) {
      const due = this.#fault === 'ignores-due' ? 0 : (ref.due ?? 0)
      const slot: Slot = { id: `${this.disk.next++}`, held: made, ref, status: 'due', attempts: 0, due }
      if (repeated.has(ref.route))
        Object.assign(slot, { status: 'done', lastAt: made.acceptedAt, note: 'repeated' } satisfies Partial<Slot>)
      else this.#debounce(slot)
      made.slots.push(slot)
    }
    this.disk.held.push(made)
    this.#pump()
    return { callId: entry.callId, duplicate: false, ...(repeated.size > 0 ? { repeated: [...repeated] } : {}) }
  }

  claim(lane: Lane, signal: AbortSignal): AsyncIterableIterator<Delivery> {
    const taker: Taker = { lane, own: [], ended: signal.aborted, waiting: [] }
    this.#takers.push(taker)
    const end = (): void => {
      taker.ended = true
      for (const resolve of taker.waiting.splice(0)) resolve(DONE)
      if (this.#fault === 'abort-ends-leases')
        for (const slot of this.#slots()) if (slot.status === 'leased') slot.status = 'due'
    }
    signal.addEventListener('abort', end)
    return {
      next: () =>
        new Promise((resolve) => {
          taker.waiting.push(resolve)
          this.#pump()
        }),
      return: async () => DONE,
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  async settle({ id }: Delivery, outcome: Outcome): Promise<void> {
    const slot = this.#slot(id)
    if (slot === undefined || (slot.status !== 'leased' && this.#fault !== 'settles-twice')) return
    if (this.#fault === 'is-full-for-all' && this.disk.held.length > 30) throw new Error('no room')
    slot.attempts++
    slot.lastAt = this.#options.now()
    slot.firstAt ??= slot.lastAt
    if (outcome.status !== 'done') slot.error = outcome.error
    else {
      if (outcome.answer) slot.answer = this.#kept(outcome.answer)
      if (outcome.fallback) Object.assign(slot, outcome.fallback)
    }
    if (outcome.status !== 'retry' || this.#fault === 'records-retries') this.#record(slot, outcome)
    slot.status = outcome.status === 'retry' ? 'due' : outcome.status
    if (outcome.status === 'retry') slot.due = outcome.at
    tried(slot, outcome, this.#fault)
    this.#pump()
  }

  async postpone({ id }: Delivery, at: number): Promise<void> {
    const slot = this.#slot(id)
    if (slot?.status !== 'leased') return
    slot.status = 'due'
    if (this.#fault !== 'postpones-nothing') slot.due = at
    if (this.#fault === 'postponing-is-an-attempt') slot.attempts++
    this.#pump()
  }

  release({ id }: Delivery): void {
    const slot = this.#slot(id)
    if (slot?.status !== 'leased' || this.#fault === 'ignores-release') return
    slot.status = 'due'
    if (this.#fault === 'release-is-an-attempt') slot.attempts++
    this.#pump()
  }

  async find(key: { readonly callId: string } | { readonly eventId: string }): Promise<EventRecord | undefined> {
    this.#expire()
    const held = this.disk.held.findLast(({ entry }) =>
      'callId' in key ? entry.callId === key.callId : entry.event.id === key.eventId,
    )
    return held && told(held, this.#fault)
  }

  async chain(correlationId: string, limit: number): Promise<readonly EventRecord[]> {
    return chained(this.disk.held, correlationId, limit, this.#fault).map((held) => told(held, this.#fault))
  }

  keep(text: string): number {
    return keepText(this.disk.texts, text, this.#fault)
  }

  async text(number: number): Promise<string | undefined> {
    return this.disk.texts[number - 1]
  }

  async *events({ from = 0, to = Number.POSITIVE_INFINITY }: Span = {}): AsyncGenerator<RetainedEvent, void> {
    for (const { acceptedAt, entry, slots } of [...this.disk.held]) {
      const { callId, event, origin } = entry
      const inside = (acceptedAt >= from && acceptedAt < to) || this.#fault === 'ignores-the-span'
      const left = this.#fault === 'lists-what-waits-alone' && slots.every(over)
      if (inside && !left) yield { event, origin, callId, acceptedAt }
    }
  }

  async *deadLetters(filter: DeadLetterFilter = {}): AsyncGenerator<DeadLetter, void> {
    for (const slot of this.#dead(filter)) {
      const { event, origin, callId } = slot.held.entry
      const { id, attempts, error, lastAt = 0 } = slot
      const firstAt = this.#fault === 'forgets-the-first-error' ? lastAt : (slot.firstAt ?? 0)
      const more = slot.unrecorded && this.#fault !== 'hides-what-was-not-kept' ? { unrecorded: true } : {}
      if (error) yield { id, ...laneOf(slot.ref), event, origin, callId, attempts, error, firstAt, lastAt, ...more }
    }
  }

  async recording(id: string): Promise<Uint8Array | undefined> {
    return this.#slot(id)?.recording
  }

  async redrive(filter: DeadLetterFilter): Promise<number> {
    const slots = this.#dead(filter)
    for (const slot of slots) {
      if (this.#fault !== 'keeps-recordings') slot.recording = undefined
      slot.status = 'due'
      slot.due = 0
      if (this.#fault !== 'redrives-tired') slot.attempts = 0
    }
    return slots.length
  }

  async drop(filter: DeadLetterFilter): Promise<number> {
    const slots = this.#dead(this.#fault === 'drops-all' ? {} : filter)
    for (const slot of slots) {
      slot.status = 'dropped'
      if (this.#fault !== 'keeps-recordings') slot.recording = undefined
    }
    return slots.length
  }

  async cursor(name: string): Promise<string | undefined> {
    return this.disk.cursors.get(this.#fault === 'has-one-cursor' ? '' : name)
  }

  async setCursor(name: string, value: string): Promise<void> {
    this.disk.cursors.set(this.#fault === 'has-one-cursor' ? '' : name, value)
  }

  get used(): JournalStats {
    return this.stats()
  }

  stats(): JournalStats {
    const pending = this.#slots().filter(({ status }) => status === 'due' || status === 'leased')
    const lanes = new Map<string, Lane & { pending: number }>()
    for (const { ref } of pending) {
      const lane = lanes.get(laneName(ref)) ?? { ...laneOf(ref), pending: 0 }
      lane.pending++
      lanes.set(laneName(ref), lane)
    }
    const oldest = pending[0]?.held.acceptedAt
    return {
      events: this.disk.held.length,
      pending: this.#fault === 'counts-events' ? new Set(pending.map(({ held }) => held)).size : pending.length,
      dead: this.#dead({}).length,
      bytes: this.#bytes,
      lanes: [...lanes.values()],
      ...(oldest === undefined ? {} : { oldestPending: oldest }),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
  }

  get #recorded(): number {
    const left = this.#slots().filter(({ status }) => status !== 'dropped')
    return left.reduce((sum, { recording }) => sum + (recording?.length ?? 0), 0)
  }

  get #bytes(): number {
    const events = this.disk.held.reduce((sum, each) => sum + size(each.entry), 0)
    return this.#fault === 'counts-no-recordings' ? events : events + this.#recorded
  }

  #refusal(bytes: number): GatewayError | undefined {
    const { maxBytes } = this.#options
    if (bytes > maxBytes && this.#fault !== 'has-no-room-for-the-large')
      return new GatewayError('EVENT_TOO_LARGE', 'journal (model): appending: it is too large')
    if (this.#bytes + bytes <= maxBytes || this.#fault === 'is-never-full') return undefined
    return new GatewayError('JOURNAL_FULL', 'journal (model): appending: no room', { retryAfterMs: 10 })
  }

  #record(slot: Slot, { recording }: Outcome): void {
    const { maxBytes } = this.#options
    const bytes = recording?.length ?? 0
    const fits = this.#recorded + bytes <= maxBytes / 4 && this.#bytes + bytes <= maxBytes
    slot.unrecorded = !fits && this.#fault !== 'keeps-every-recording'
    slot.recording = slot.unrecorded ? undefined : recording
  }

  #slots(): Slot[] {
    return this.disk.held.flatMap(({ slots }) => slots)
  }

  #slot(id: string): Slot | undefined {
    return this.#slots().find((slot) => slot.id === id)
  }

  #held({ event, callId }: Entry): Held | undefined {
    return this.disk.held.find(({ entry }) => {
      if (entry.callId === callId && (this.#fault !== 'holds-a-call-twice' || entry.event.id === event.id)) return true
      return (
        entry.event.id === event.id && (this.#fault === 'ignores-the-source' || entry.event.source === event.source)
      )
    })
  }

  /** Routes that had an event of that name within their window. */
  #repeated({ routes }: Entry): Set<string> {
    const now = this.#options.now()
    const repeated = new Set<string>()
    const names = new Set<string>()
    for (const { route, once } of routes) {
      const name = `${this.#fault === 'shares-names-between-routes' ? '' : route} ${once?.name}`
      if (once === undefined || names.has(name)) continue
      names.add(name)
      const before = this.disk.names.get(name) ?? Number.NEGATIVE_INFINITY
      if (now < before + (this.#fault === 'shortens-windows' ? 9_000 : once.windowMs)) repeated.add(route)
      if (!repeated.has(route) || this.#fault === 'counts-repeats-as-new') this.disk.names.set(name, now)
    }
    return repeated
  }

  /** The one that waits under the name gives way. */
  #debounce(slot: Slot): void {
    const { debounce } = slot.ref
    if (debounce === undefined) return
    const now = this.#options.now()
    const before = this.#slots().findLast(
      ({ attempts, handed, ref, status }) =>
        attempts === 0 &&
        handed !== true &&
        status === 'due' &&
        laneName(ref) === laneName(slot.ref) &&
        ref.debounce?.name === debounce.name,
    )
    slot.first = (this.#fault === 'forgets-the-first' ? before?.held.acceptedAt : before?.first) ?? now
    const latest = slot.first + (debounce.maxWaitMs ?? Number.POSITIVE_INFINITY)
    slot.due = Math.max(now + 1, Math.min(now + debounce.waitMs, latest))
    if (before === undefined || (this.#fault === 'supersedes-once' && before.first !== before.held.acceptedAt)) return
    Object.assign(before, { status: 'done', lastAt: now, note: 'superseded' } satisfies Partial<Slot>)
    if (this.#fault === 'hides-what-is-superseded') before.status = 'dropped'
  }

  #kept({ datacontenttype, ...answer }: Answer): Answer {
    return datacontenttype === undefined || this.#fault === 'loses-content-types'
      ? answer
      : { ...answer, datacontenttype }
  }

  #dead({ ids, route, code, since = 0 }: DeadLetterFilter): Slot[] {
    return this.#slots()
      .filter(({ status, id, ref, error, lastAt = 0 }) => {
        if (status !== 'dead' || lastAt < since || (ids && !ids.includes(id))) return false
        if (route !== undefined && ref.route !== route) return false
        return code === undefined || error?.code === code || this.#fault === 'ignores-codes'
      })
      .sort((a, b) => (a.lastAt ?? 0) - (b.lastAt ?? 0))
  }

  /** One that somebody had at the end gives way to a later one, too. */
  #collapse(): void {
    const last = new Map<string, Slot>()
    for (const slot of this.#slots()) {
      if (slot.ref.debounce === undefined || slot.status !== 'due' || slot.attempts > 0) continue
      const name = `${laneName(slot.ref)} ${slot.ref.debounce.name}`
      const before = last.get(name)
      if (before)
        Object.assign(before, {
          status: 'done',
          lastAt: this.#options.now(),
          note: 'superseded',
        } satisfies Partial<Slot>)
      last.set(name, slot)
    }
  }

  #restart(slot: Slot): void {
    slot.handed = false
    if (this.#fault === 'forgets-fallbacks') delete slot.fallback
    if (slot.status === 'leased') slot.status = this.#fault === 'loses-leases' ? 'done' : 'due'
    if (this.#fault === 'forgets-attempts') slot.attempts = 0
    if (this.#fault === 'forgets-answers') delete slot.answer
    if (this.#fault === 'forgets-figures') delete slot.tries
    if (this.#fault === 'forgets-what-waits' && slot.ref.debounce) {
      const { debounce: _, ...ref } = slot.ref
      slot.ref = ref
    }
    if (this.#fault === 'forgets-keys') {
      const { key: _, ...ref } = slot.ref
      slot.ref = ref
    }
  }

  #expire(): void {
    if (this.#fault === 'forgets-nothing') return
    const cutoff = this.#options.now() - this.#options.retainMs
    const dead = this.#fault === 'forgets-the-dead'
    this.disk.held = this.disk.held.filter(({ slots, acceptedAt }) => {
      const last = Math.max(acceptedAt, ...slots.map(({ lastAt = 0 }) => lastAt))
      return last > cutoff || !slots.every((slot) => over(slot) || (dead && slot.status === 'dead'))
    })
  }

  /** The deliveries of a lane that may go now, in order. */
  #ready(lane: Lane): Slot[] {
    const taken = new Set<string>()
    const ready: Slot[] = []
    for (const slot of this.#slots()) {
      if (laneName(slot.ref) !== laneName(lane)) continue
      const key = this.#fault === 'one-key-at-a-time' && slot.ref.key !== undefined ? 'any' : slot.ref.key
      const free = key === undefined || !taken.has(key)
      const waits = slot.status === 'due' || slot.status === 'leased'
      const stuck = slot.status === 'dead' && this.#fault === 'keeps-the-key-of-the-dead'
      if (key !== undefined && (waits || stuck)) taken.add(key)
      if (slot.status === 'due' && free && slot.due <= this.#options.now()) ready.push(slot)
    }
    if (this.#fault === 'mixes-the-order' && ready.length > 10) ready.reverse()
    return ready
  }

  #pump(): void {
    for (const taker of this.#takers) {
      while (taker.waiting.length > 0 && !taker.ended) {
        const slot = taker.own.shift() ?? this.#lease(taker)
        if (slot === undefined) break
        taker.waiting.shift()?.({ done: false, value: delivery(slot, this.#fault) })
      }
      if (taker.ended) for (const resolve of taker.waiting.splice(0)) resolve(DONE)
    }
  }

  #lease(taker: Taker): Slot | undefined {
    const [slot, second] = this.#ready(taker.lane)
    if (slot === undefined) return undefined
    const leased = this.#slots().filter(
      ({ status, ref }) => status === 'leased' && laneName(ref) === laneName(taker.lane),
    )
    const shared = this.#takers.filter(({ lane }) => laneName(lane) === laneName(taker.lane)).length > 1
    if (this.#fault === 'hands-out-what-is-leased' && shared && leased.length > 1) return leased[0]
    slot.status = 'leased'
    slot.handed = true
    if (this.#fault === 'takes-two' && second) {
      second.status = 'leased'
      taker.own.push(second)
    }
    return slot
  }
}
