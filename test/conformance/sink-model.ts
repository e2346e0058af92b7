/** A place held in memory, and a sink for it that can be wrong in chosen ways: what tests the sink suite itself. */

import { inspect } from 'node:util'
import * as z from 'zod'
import {
  type CloudEvent,
  type Connector,
  type Context,
  defineConnector,
  defineSink,
  GatewayError,
  type Sink,
} from '#connector'
import { Orders } from './orders.ts'
import type { Arrival, Downstream, Refusal } from './sink-bench.ts'

/** What can be wrong with a sink, and the requirement that says so. */
export const SINK_FAULTS = {
  'resolves-early': 'K1',
  'retries-everything': 'K2',
  'retries-nothing': 'K2',
  'forgets-when': 'K2',
  'ignores-abort': 'K3',
  'gives-up-what-is-aborted': 'K3',
  'sends-what-is-aborted': 'K3',
  'fresh-key': 'K4',
  'key-of-the-id': 'K4',
  'no-key': 'K4',
  'rewrites-json': 'K5',
  'reads-text': 'K5',
  'drops-extensions': 'K5',
  'one-at-a-time': 'K6',
  'mixes-answers': 'K6',
  'delivers-after-stop': 'K7',
  'gives-up-after-stop': 'K7',
  'waits-on-stop': 'K7',
  'abandons-on-stop': 'K7',
  'stops-once': 'K7',
  'leaves-a-timer': 'K7',
  'leaves-a-connection': 'K7',
  'gives-up-when-alone': 'K8',
  'stays-away': 'K8',
  'tells-in-errors': 'K9',
  'tells-in-causes': 'K9',
  'tells-the-log': 'K9',
} as const

export type SinkFault = keyof typeof SINK_FAULTS

const SECRET = 't0ken-of-the-place'

/** Why the place took nothing. */
class Refused extends Error {
  readonly how: Refusal | 'away'

  constructor(how: Refusal | 'away') {
    super(how === 'away' ? 'nobody is there' : `not with "${SECRET}"`)
    this.how = how
  }
}

/** The other side. */
class Place {
  readonly arrivals: Arrival[] = []
  readonly timers = new Set<NodeJS.Timeout>()
  connections = 0
  away = false
  readonly orders = new Orders()

  /** Resolves once the event is accepted. */
  async take(arrival: Arrival): Promise<void> {
    if (this.away) throw new Refused('away')
    this.arrivals.push(arrival)
    const how = await this.orders.answer(arrival.event)
    if (how) throw new Refused(how)
  }
}

const places = new Map<string, Place>()

class PlaceSink implements Sink {
  readonly #name: string
  readonly #context: Context
  readonly #fault: SinkFault | undefined
  readonly #busy = new Set<Promise<unknown>>()
  #stopping = new AbortController()
  #place: Place | undefined
  #timer: NodeJS.Timeout | undefined
  #last: Promise<unknown> = Promise.resolve()
  #stopped = false
  #wasAlone = false

  constructor(name: string, context: Context, fault: SinkFault | undefined) {
    this.#name = name
    this.#context = context
    this.#fault = fault
  }

  async start(): Promise<void> {
    this.#place = places.get(this.#name)
    if (!this.#place) throw this.#error('SINK_UNAVAILABLE', 'there is no such place')
    this.#place.connections += 1
    this.#timer = setInterval(() => {}, 1_000)
    this.#place.timers.add(this.#timer)
  }

  async deliver(event: CloudEvent, signal: AbortSignal): Promise<void> {
    const place = this.#place
    if (!place || (this.#stopped && this.#fault !== 'delivers-after-stop')) {
      const code = this.#fault === 'gives-up-after-stop' ? 'SINK_REJECTED' : 'SINK_UNAVAILABLE'
      throw this.#error(code, 'it is stopped')
    }
    if (signal.aborted && this.#fault !== 'sends-what-is-aborted') throw this.#aborted()
    const work =
      this.#fault === 'one-at-a-time' ? this.#last.then(() => this.#send(place, event)) : this.#send(place, event)
    work.catch(() => {})
    this.#last = work.catch(() => {})
    const ended =
      this.#fault === 'mixes-answers'
        ? this.#mixed(work)
        : this.#fault === 'resolves-early'
          ? Promise.race([work, this.#soon()])
          : work
    await this.#until(ended, signal)
  }

  /** Resolves before long, where only one delivery is under way. */
  async #soon(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 20))
    if (this.#busy.size !== 1) await new Promise(() => {})
  }

  /** Every other answer is taken for that of the one before. */
  #before: Promise<void> | undefined
  async #mixed(work: Promise<void>): Promise<void> {
    const before = this.#busy.size > 1 ? this.#before : undefined
    this.#before = work
    await (before ?? work)
  }

  async #until(work: Promise<void>, signal: AbortSignal): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>()
    const onAbort = () => reject(this.#aborted())
    const onStop = () => reject(this.#error('SINK_UNAVAILABLE', 'it was stopped'))
    if (this.#fault !== 'ignores-abort') signal.addEventListener('abort', onAbort, { once: true })
    if (this.#fault !== 'abandons-on-stop') this.#stopping.signal.addEventListener('abort', onStop, { once: true })
    this.#busy.add(work)
    const forget = () => this.#busy.delete(work)
    work.then(forget, forget)
    await Promise.race([work, promise]).finally(() => {
      signal.removeEventListener('abort', onAbort)
      this.#stopping.signal.removeEventListener('abort', onStop)
    })
  }

  async #send(place: Place, event: CloudEvent): Promise<void> {
    try {
      if (this.#fault === 'stays-away' && this.#wasAlone) throw new Refused('away')
      await place.take({ event: written(event, this.#fault), key: keyOf(event, this.#fault) })
    } catch (cause) {
      throw cause instanceof Refused ? this.#refused(cause) : cause
    }
  }

  #refused(refused: Refused): GatewayError {
    const { how } = refused
    if (this.#fault === 'tells-the-log') this.#context.log.warn({ err: refused }, 'the place refuses')
    if (how === 'away') this.#wasAlone = true
    const isFinal =
      (how === 'reject' && this.#fault !== 'retries-everything') ||
      (how === 'retry' && this.#fault === 'retries-nothing') ||
      (how === 'away' && this.#fault === 'gives-up-when-alone')
    const retryAfterMs = typeof how === 'object' && this.#fault !== 'forgets-when' ? how.retryAfterMs : undefined
    const why = this.#fault === 'tells-in-errors' ? refused.message : `it says ${inspect(how)}`
    return this.#error(isFinal ? 'SINK_REJECTED' : 'SINK_UNAVAILABLE', why, {
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(this.#fault === 'tells-in-causes' ? { cause: refused } : {}),
    })
  }

  async stop(): Promise<void> {
    const place = this.#place
    if (this.#stopped && this.#fault === 'stops-once') throw new Error('it is stopped')
    if (!place || this.#stopped) return
    this.#stopped = true
    if (this.#fault === 'waits-on-stop') await Promise.allSettled(this.#busy)
    this.#stopping.abort()
    if (this.#fault !== 'leaves-a-timer') clearInterval(this.#timer)
    if (this.#fault !== 'leaves-a-connection') place.connections -= 1
  }

  #aborted(): GatewayError {
    return this.#error(this.#fault === 'gives-up-what-is-aborted' ? 'SINK_REJECTED' : 'SINK_UNAVAILABLE', 'aborted')
  }

  #error(
    code: 'SINK_REJECTED' | 'SINK_UNAVAILABLE',
    why: string,
    options?: { readonly cause?: unknown; readonly retryAfterMs?: number },
  ): GatewayError {
    return new GatewayError(code, `${this.#context.name} (place): delivering: ${why}`, options)
  }
}

function keyOf({ id, source }: CloudEvent, fault: SinkFault | undefined): string | undefined {
  if (fault === 'no-key') return undefined
  if (fault === 'fresh-key') return crypto.randomUUID()
  return fault === 'key-of-the-id' ? id : `${source} ${id}`
}

function written(event: CloudEvent, fault: SinkFault | undefined): CloudEvent {
  const { extensions: _, ...bare } = event
  if (fault === 'drops-extensions') return bare
  const { data } = event
  if (data === undefined || data.length === 0) return event
  const text = Buffer.from(data).toString()
  if (fault === 'reads-text') return { ...event, data: Buffer.from(text) }
  if (fault !== 'rewrites-json' || event.datacontenttype !== 'application/json') return event
  return { ...event, data: Buffer.from(JSON.stringify(JSON.parse(text))) }
}

/** Declares the sink, wrong in one way when asked. */
export const placeConnector = (fault?: SinkFault): Connector =>
  defineConnector({
    type: 'place',
    title: 'Place',
    summary: 'Delivers events to a place in memory.',
    stability: 'experimental',
    since: '0.1.0',
    sink: defineSink({
      config: z.strictObject({ place: z.string().describe('Name of the place.') }),
      create: (config, context) => new PlaceSink(config.place, context, fault),
    }),
  })

/** Opens one isolated place. */
export async function openPlace(): Promise<Downstream> {
  const name = crypto.randomUUID()
  const place = new Place()
  places.set(name, place)
  return {
    config: { place: name },
    secrets: [SECRET],
    arrived: () => place.arrivals,
    hold: place.orders.hold,
    release: place.orders.release,
    refuse: place.orders.refuse,
    leave: async () => {
      place.away = true
    },
    comeBack: async () => {
      place.away = false
    },
    connections: () => place.connections,
    async [Symbol.asyncDispose]() {
      places.delete(name)
      for (const timer of place.timers) clearInterval(timer)
    },
  }
}
