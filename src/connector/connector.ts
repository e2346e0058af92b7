/** The contract between the gateway and a connector. Connectors import this folder and nothing else of `src`. */

import type { output, ZodType } from 'zod'
import type { GatewayError } from '../errors.ts'
import type { CloudEvent } from '../event/index.ts'
import type { BrokerPort } from './broker.ts'
import type { CallPort, HealthPort } from './calls.ts'

/**
 * Hands an event to the gateway. Resolves once the event is durable: acknowledge upstream then, never earlier. What is
 * rejected, for whatever reason, is not held: what the path refuses for good is kept as a dead letter, and resolves, of
 * every source whose upstream would only send it again.
 */
export type Emit = (event: CloudEvent, offer?: Offer) => Promise<Receipt>

export interface Offer {
  /** The address within the source: topic, `POST /path`. Empty when the source has only one. */
  readonly address?: string
  /** At most once: skips the journal, resolves when matched. QoS 0, and HTTP callers that wait. */
  readonly direct?: boolean
  /** The message was no CloudEvent: what the operator says of the source in `as` becomes its attributes. */
  readonly made?: boolean
  /** The source has dead letters of its own: what is refused for good is rejected, and not kept here. */
  readonly ownDeadLetters?: boolean
}

export interface Receipt {
  /** Names the call; its reply is published on `replies/<callId>`. */
  readonly callId: string
  /** True when the journal already held an event with this `source` and `id`, or with this callId. */
  readonly duplicate: boolean
  /** Names of the routes that took the event; empty when none did, which is not an error. */
  readonly routes: readonly string[]
  /** Names of the routes that left the event out, as they had one of its name (`dedupe`); absent when there is none. */
  readonly repeated?: readonly string[]
}

/** Receives messages from one upstream and emits them as CloudEvents. */
export interface Source {
  /** What it listens on, once started, for those that do. */
  readonly address?: string
  /** Connects. Resolves when the source is receiving; rejects with a `GatewayError` when it cannot. */
  start(emit: Emit, signal: AbortSignal): Promise<void>
  /** Stops receiving, waits for emits in flight, releases everything. Safe to call twice. */
  stop(): Promise<void>
}

/** Writes CloudEvents to one downstream. */
export interface Sink {
  start(signal: AbortSignal): Promise<void>
  /** Resolves once the remote side has accepted the event. Rejects with `SINK_UNAVAILABLE`, `SINK_REJECTED` or `SINK_GONE`. */
  deliver(event: CloudEvent, signal: AbortSignal): Promise<void>
  /** Forgets that the remote side is gone: the next event is sent again. Absent where nothing of that is remembered. */
  resume?(): void
  stop(): Promise<void>
}

/** What a source promises. Read by the runtime, by the generated docs and by the conformance suite. */
export interface Guarantees {
  /** What becomes of a message the gateway did not accept: upstream sends it again, the caller is told, or it is lost. */
  readonly rejected: 'redelivered' | 'reported' | 'dropped'
  /** The order in which messages are emitted. */
  readonly order: 'none' | 'subject' | 'total'
  /** Whether messages sent while the source is stopped arrive once it is started again. */
  readonly catchesUp: boolean
}

/** Writes one line an operator needs. The fields come first, as in pino; never a secret, never data. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Room for more. Sources take credit instead of holding messages that the gateway has no room for. */
export interface Credit {
  /** The error to answer with when there is none now (OVERLOADED or JOURNAL_FULL, with retryAfterMs); undefined when there is room. */
  refusal(): GatewayError | undefined
  /** Resolves when there is room; at once when there is. Rejects when `signal` is aborted. */
  wait(signal: AbortSignal): Promise<void>
}

/** A small value that survives restarts. */
export interface Cursor {
  get(): Promise<string | undefined>
  /** Resolves once it is on disk. */
  set(value: string): Promise<void>
}

/** Time, so that a test can move it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves at about that instant, perhaps early: read `now` again. Rejects with the reason of `signal`. */
  until(at: number, signal: AbortSignal): Promise<void>
}

/** How far a source is behind its upstream. What is left out stays as it was told before. */
export interface Standing {
  /** Messages that upstream holds and that are not acknowledged. */
  readonly lag?: number
  /** Bytes that upstream keeps for this source, where it counts those. */
  readonly lagBytes?: number
  /** When the oldest message that is not acknowledged was sent, in milliseconds since the epoch; null when there is none. */
  readonly oldest?: number | null
  /** Messages received and not acknowledged. */
  readonly inFlight?: number
}

/** Takes what a source knows of its upstream; each figure is a metric of that source from then on. */
export interface Meter {
  stands(standing: Standing): void
  /** Upstream could not be reached, or gave an answer that is of no use; the source goes on trying. */
  troubled(): void
  /** Connected once more. */
  reconnected(): void
  /** The source has stopped: what it told holds no longer. */
  ended(): void
}

/** What a source knows of a message that it did not accept. */
export interface SeenMessage {
  /** The address within the source. */
  readonly address: string
  /** Who sent it: the MQTT client, the address of the peer. */
  readonly client?: string
  readonly callId?: string
  /** Where it could be read. */
  readonly event?: CloudEvent
}

/** What was sent to a path of the HTTP face that a source has taken. Header names in lower case. */
export interface HookRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Empty but for POST. */
  readonly body: Uint8Array
}

export interface HookAnswer {
  readonly status: number
  /** When the sender may try again. */
  readonly retryAfterMs?: number
}

export type Hook = (request: HookRequest) => Promise<HookAnswer>

/** Paths of the HTTP face, for sources that others post to: no port of their own. */
export interface HookPort {
  /** Takes every request to a path from now on, before any route does. Returns a function that ends it. */
  take(path: string, hook: Hook): () => void
  /** Who has taken a path: the HTTP face asks. */
  find(path: string): Hook | undefined
}

/** What the gateway lends to one source or sink. */
export interface Context {
  /** The name the operator gave this instance in the configuration. */
  readonly name: string
  /** The most emits that may be unresolved at once. */
  readonly maxInFlight: number
  readonly log: Log
  readonly credit: Credit
  readonly cursor: Cursor
  readonly meter: Meter
  /** The embedded broker. */
  readonly broker: BrokerPort
  /** Calls that wait for their reply. */
  readonly calls: CallPort
  readonly health: HealthPort
  readonly hooks: HookPort
  /** Told of each message that was not accepted, whatever the reason: somebody may ask for it. Absent: nobody does. */
  readonly refused?: (error: GatewayError, seen: SeenMessage) => void
  /** Absent: the system's. */
  readonly clock?: Clock
}

/** A request as a test of a configuration writes it. Header names in lower case. */
export interface TrialRequest {
  readonly method: string
  readonly path: string
  /** Without the question mark; empty when there is none. */
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface SourceSpec<C extends ZodType = ZodType> {
  readonly config: C
  readonly guarantees: Guarantees
  create(config: output<C>, context: Context): Source
  /**
   * What the source would emit for a request, without a listener: for tests of a configuration. The context has a clock.
   * Throws what the sender would be told.
   */
  trial?(request: TrialRequest, config: output<C>, context: Context): readonly [event: CloudEvent, offer: Offer][]
}

export interface SinkSpec<C extends ZodType = ZodType> {
  readonly config: C
  create(config: output<C>, context: Context): Sink
}

/** A connector's declaration: everything the registry, the docs and the config schema need to know. */
export interface Connector {
  /** The key under a source or sink in the configuration. */
  readonly type: string
  readonly title: string
  readonly summary: string
  readonly stability: 'experimental' | 'beta' | 'stable'
  readonly since: string
  readonly source?: SourceSpec
  readonly sink?: SinkSpec
}
