/** Offers what was fetched to the gateway: each partition in its order, all of them within one bound, while there is credit. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type Context, type Emit, type GatewayError, toGatewayError } from '#connector'
import { Lane } from './lane.ts'
import { type KafkaRecord, normalize } from './normalize.ts'

/** How many records of one partition are offered before the next has its turn. */
const TURN = 64
const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 5_000

/** What the group gave to this member: topic -> partitions. */
export type Assignment = Readonly<Record<string, readonly number[]>>

/** Somebody who waits until a lane holds less. */
interface Hope {
  readonly lane: Lane
  readonly bytes: number
  readonly wake: () => void
}

export interface Committable {
  readonly lane: Lane
  readonly offset: number
}

export class Intake {
  readonly #context: Context
  readonly #emit: Emit
  readonly #name: string
  readonly #ending = new AbortController()
  #lanes = new Map<string, Lane>()
  /** Those with something to offer, by turns. */
  #turns: Lane[] = []
  #inFlight = 0
  #isWaiting = false
  readonly #hoping = new Set<Hope>()
  #idle: PromiseWithResolvers<void> | undefined

  constructor(context: Context, emit: Emit) {
    this.#context = context
    this.#emit = emit
    this.#name = encodeURIComponent(context.name)
  }

  get lanes(): Iterable<Lane> {
    return this.#lanes.values()
  }

  /** Emits that are not answered. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** The partitions that are this member's from now on. What was fetched before is dropped: the group sends it again. */
  assign(assignment: Assignment): void {
    for (const lane of this.#lanes.values()) lane.isLost = true
    for (const { wake } of this.#hoping) wake()
    this.#turns = []
    const places = Object.entries(assignment).flatMap(([topic, all]) => all.map((one) => new Lane(topic, one)))
    this.#lanes = new Map(places.map((lane) => [placeOf(lane.topic, lane.partition), lane]))
  }

  /** The lane that takes a batch; undefined when the partition is another's. */
  lane(topic: string, partition: number, firstOffset: number): Lane | undefined {
    const place = placeOf(topic, partition)
    const lane = this.#lanes.get(place)
    if (lane === undefined || firstOffset > lane.watermark.last) return lane
    // Offsets that begin anew are those of a topic that was deleted and made again.
    lane.isLost = true
    this.#turns = this.#turns.filter((each) => each !== lane)
    const anew = new Lane(topic, partition)
    this.#lanes.set(place, anew)
    return anew
  }

  take(lane: Lane, records: readonly KafkaRecord[], last: number): void {
    const wasEmpty = !lane.hasWaiting
    lane.push(records, last)
    if (wasEmpty && lane.hasWaiting && !lane.isHeld) this.#turns.push(lane)
    this.#pump()
  }

  /** Resolves when a lane holds that few bytes, or can go no further for now, or after `ms`. */
  async drained(lane: Lane, bytes: number, ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const hope: Hope = { lane, bytes, wake: resolve }
    const late = setTimeout(resolve, ms)
    this.#hoping.add(hope)
    await promise
    clearTimeout(late)
    this.#hoping.delete(hope)
  }

  /** What may be committed and is not yet. */
  committable(): readonly Committable[] {
    const found: Committable[] = []
    for (const lane of this.#lanes.values()) {
      const { next } = lane.watermark
      if (next !== undefined && next !== lane.committed && next > 0) found.push({ lane, offset: next })
    }
    return found
  }

  /** Offers nothing more; resolves when each emit is answered. */
  async stop(): Promise<void> {
    this.#ending.abort(new Error('the source is stopping'))
    for (const { wake } of this.#hoping) wake()
    if (this.#inFlight === 0) return
    this.#idle ??= Promise.withResolvers()
    await this.#idle.promise
  }

  #pump(): void {
    const { credit, maxInFlight } = this.#context
    while (this.#inFlight < maxInFlight) {
      const lane = this.#turns.shift()
      if (lane === undefined || this.#ending.signal.aborted) return
      let turn = Math.min(TURN, maxInFlight - this.#inFlight)
      while (turn > 0 && lane.hasWaiting && !lane.isHeld) {
        if (credit.refusal() !== undefined) {
          this.#turns.unshift(lane)
          return void this.#awaitCredit()
        }
        turn -= 1
        const record = lane.shift()
        if (record !== undefined) void this.#offer(lane, record)
      }
      if (lane.hasWaiting && !lane.isHeld) this.#turns.push(lane)
    }
  }

  async #awaitCredit(): Promise<void> {
    if (this.#isWaiting) return
    this.#isWaiting = true
    try {
      await this.#context.credit.wait(this.#ending.signal)
    } catch {
      return
    } finally {
      this.#isWaiting = false
    }
    this.#pump()
  }

  async #offer(lane: Lane, record: KafkaRecord): Promise<void> {
    this.#inFlight += 1
    lane.inFlight += 1
    const { partition, topic } = lane
    const { event, made } = normalize(record, { name: this.#name, topic, partition })
    try {
      await this.#emit(event, { address: topic, made })
      lane.refusals = 0
      lane.accepted(record)
    } catch (thrown) {
      const error = toGatewayError(thrown)
      this.#context.refused?.(error, { address: topic, event })
      if (lane.refusals === 0 && !lane.isHeld) this.#tell(lane, record, error)
      lane.refuse(record, error.retryAfterMs)
    }
    lane.inFlight -= 1
    this.#inFlight -= 1
    if (lane.isHeld && lane.inFlight === 0) void this.#offerAgain(lane)
    for (const hope of this.#hoping) if (isFulfilled(hope)) hope.wake()
    if (this.#inFlight === 0) this.#idle?.resolve()
    this.#pump()
  }

  #tell({ partition, topic }: Lane, { offset }: KafkaRecord, { code, message }: GatewayError): void {
    const { log, name } = this.#context
    const place = `"${topic}" partition ${partition} offset ${offset}`
    log.warn(
      { source: name, topic, partition, offset, code },
      `${name} (kafka): emitting ${place}: not accepted: ${message}; trying again`,
    )
  }

  /** Waits a while, then offers what was refused before anything that came after it. */
  async #offerAgain(lane: Lane): Promise<void> {
    const { signal } = this.#ending
    const backoff = FIRST_RETRY_MS * 2 ** Math.min(10, lane.refusals)
    lane.refusals += 1
    const wait = Math.min(LONGEST_RETRY_MS, Math.max(backoff, lane.retryAfterMs))
    await sleep(wait, undefined, { signal }).catch(() => {})
    if (signal.aborted || lane.isLost) return
    lane.again()
    this.#turns.push(lane)
    this.#pump()
  }
}

const isFulfilled = ({ bytes, lane }: Hope): boolean => lane.bytes <= bytes || lane.isHeld || lane.isLost

const placeOf = (topic: string, partition: number): string => `${topic}/${partition}`
