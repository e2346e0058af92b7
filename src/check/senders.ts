/** How each kind of thing comes in: through the source that would receive it, lent a broker and a clock of the test's own. */

import { type ConfigTest, testEvent } from '../config/index.ts'
import type { ClientPublish } from '../connector/broker.ts'
import type { Connector, Context, Emit, Source } from '../connector/connector.ts'
import type { Accept } from '../delivery/accept.ts'
import { createEmit } from '../delivery/emit.ts'
import { GatewayError, toGatewayError } from '../errors.ts'
import { CALL_EXTENSIONS, checkEvent, uuidv7, withExtensions } from '../event/index.ts'
import { type As, compileNaming } from '../router/naming.ts'
import type { VirtualClock } from './clock.ts'

export interface SenderParts {
  readonly test: ConfigTest
  readonly clock: VirtualClock
  readonly connectors: ReadonlyMap<string, Connector>
  /** The options of the http face, and of the cron source that a test names. */
  readonly options: (name: string) => unknown
  /** What a source that a test names says of what was no CloudEvent. */
  readonly as: (name: string) => As | undefined
  readonly accept: Accept
  /** Told of an event that was not accepted, and why. */
  readonly refused: (error: GatewayError) => void
}

/** Sends the test's message once; `turn` counts from 0. Resolves once it is accepted or refused. */
export type Send = (turn: number) => Promise<void>

/** Returns what sends the message of a test, unless that is a tick. */
export function senderOf(parts: SenderParts): Send {
  const { publish, http } = parts.test
  const send = publish ? publisher(parts, publish) : http ? requester(parts, http) : emitter(parts)
  return (turn) => send(turn).catch((error: unknown) => parts.refused(toGatewayError(error)))
}

function emitter({ accept, clock, test }: SenderParts): Send {
  const { events, origin } = test
  // Whoever posts to the path of a route waits for the reply.
  const waits = origin.source === 'http' && origin.address !== 'POST /events'
  return async (turn) => {
    for (const [at, given] of events.entries()) {
      const made = { id: `test-${turn * events.length + at + 1}`, now: clock.now() }
      const event = checkEvent(testEvent(given, made), 'event (test): reading')
      const call = { [CALL_EXTENSIONS.callId]: uuidv7(), [CALL_EXTENSIONS.replyForm]: 'http' }
      await accept(waits ? withExtensions(event, call) : event, origin, { address: origin.address, direct: waits })
    }
  }
}

function publisher(parts: SenderParts, given: NonNullable<ConfigTest['publish']>): Send {
  const { content_type: contentType, payload, properties, response_topic: responseTopic, ...rest } = given
  let ingress: ((publish: ClientPublish) => Promise<void>) | undefined
  const intercept: Context['broker']['intercept'] = (_filters, take) => {
    ingress = take
    return () => undefined
  }
  const spec = specOf(parts, 'mqtt')
  const source = spec.create(spec.config.parse({ filters: ['#'] }), context(parts, 'mqtt', intercept))
  const started = source.start(emitOf(parts, 'mqtt'), new AbortController().signal)
  return async (turn) => {
    await started
    await ingress?.({
      ...rest,
      payload: bytesOf(payload),
      clientId: 'test',
      protocol: 5,
      identity: `test-${turn + 1}`,
      mayPublish: () => true,
      properties: {
        ...(contentType === undefined ? {} : { contentType }),
        ...(responseTopic === undefined ? {} : { responseTopic }),
        ...(properties ? { userProperties: Object.entries(properties) } : {}),
      },
    })
  }
}

function requester(parts: SenderParts, given: NonNullable<ConfigTest['http']>): Send {
  const { body, headers, method, path: target } = given
  const [path = '/', query = ''] = target.split(/\?(.*)/s)
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  const typed = typeof body === 'string' || body === undefined ? {} : { 'content-type': 'application/json' }
  const request = { method, path, query, headers: { ...typed, ...lower }, body: bytesOf(body) }
  const emit = emitOf(parts, 'http')
  return async () => {
    const made = specOf(parts, 'http').trial?.(request, parts.options('http'), context(parts, 'http')) ?? []
    for (const [event, offer] of made) await emit(event, offer)
  }
}

/** Starts the source whose ticks a test wants; `ticked` is called after each. */
export async function startTicks(parts: SenderParts, name: string, ticked: () => void): Promise<Source> {
  const spec = specOf(parts, 'cron')
  const source = spec.create(parts.options(name), context(parts, name))
  const emit = emitOf(parts, name)
  const telling: Emit = async (event, offer) => {
    const receipt = await emit(event, offer)
    ticked()
    return receipt
  }
  await source.start(telling, new AbortController().signal)
  return source
}

const emitOf = ({ accept, as }: SenderParts, source: string): Emit => {
  const names = as(source)
  return createEmit(accept, source, names && compileNaming(names, () => undefined))
}

function specOf({ connectors }: SenderParts, type: string) {
  const spec = connectors.get(type)?.source
  if (spec) return spec
  throw new GatewayError('CONFIG_INVALID', `${type} (test): sending: there is no connector of this name`)
}

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** What a source is lent: a journal that has room, a broker that nobody is connected to. */
const context = (
  { clock }: SenderParts,
  name: string,
  intercept: Context['broker']['intercept'] = () => () => undefined,
): Context => ({
  name,
  clock,
  maxInFlight: 1_024,
  log: SILENT,
  credit: { refusal: () => undefined, wait: async () => undefined },
  cursor: { get: async () => undefined, set: async () => undefined },
  meter: { stands: () => undefined, troubled: () => undefined, reconnected: () => undefined, ended: () => undefined },
  broker: { intercept, mayPublish: () => true, publish: async () => undefined },
  calls: {
    reply: () => new Promise(() => undefined),
    find: async () => undefined,
    cancel: () => undefined,
    functions: () => [],
  },
  health: { alive: () => true, ready: async () => [] },
  hooks: { take: () => () => undefined, find: () => undefined },
})

const bytesOf = (value: unknown): Uint8Array =>
  value === undefined ? new Uint8Array() : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
