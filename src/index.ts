/** The public API: embeds a gateway in a Node program. */

import type { CloudEvent as SdkEvent } from 'cloudevents'
import { connectors } from '../connectors/index.ts'
import { type Config, loadConfig, parseConfig } from './config/index.ts'
import type { CallReply } from './connector/calls.ts'
import type { Receipt } from './connector/connector.ts'
import { Deadline } from './connector/deadline.ts'
import type { Listener } from './delivery/activity.ts'
import { ERRORS, type ErrorCode, GatewayError } from './errors.ts'
import { CALL_EXTENSIONS, type CloudEvent, extension, uuidv7, withExtensions } from './event/index.ts'
import { type AnyEvent, contentOf, fromSdk, toSdk } from './event/sdk.ts'
import { Gateway, type GatewayOptions, type Reloaded } from './gateway.ts'
import { replyEvent } from './reply/index.ts'

export type { Connector, Log, Receipt } from './connector/connector.ts'
export type { Activity, Listener } from './delivery/activity.ts'
export { ERRORS, type ErrorCode, GatewayError } from './errors.ts'
export type { CloudEvent } from './event/index.ts'
export { type AnyEvent, fromSdk, toSdk } from './event/sdk.ts'
export type { Reloaded } from './gateway.ts'

/** The path of a YAML file or of a folder of them, or the text itself. */
export type ConfigInput = string | { readonly yaml: string }

export interface CreateOptions extends Partial<GatewayOptions> {
  /** What `${NAME}` in the configuration stands for; the environment of the process by default. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /**
   * The folder of functions that routes name and no entry under `functions` does: `<name>.wasm` or `<name>@<version>.wasm`,
   * there or in a folder of the name. It is read anew at each `reload`.
   */
  readonly functions?: string
}

export interface CallOptions {
  /** Milliseconds until the caller no longer waits; 30,000 unless given. */
  readonly timeoutMs?: number
  /** Gives up the wait when aborted; what has not begun is not done then. */
  readonly signal?: AbortSignal
  /** Names the call: it is journaled, and made again with the same name it is answered from there and runs once. */
  readonly callId?: string
}

const TIMEOUT_MS = 30_000

/** A gateway inside a program, from `start` to `stop`. */
export class EmbeddedGateway implements AsyncDisposable {
  readonly #gateway: Gateway
  readonly #read: (config: ConfigInput) => Promise<Config>

  constructor(gateway: Gateway, read: (config: ConfigInput) => Promise<Config>) {
    this.#gateway = gateway
    this.#read = read
  }

  /** Resolves once every route is open; rejects with the first thing that is wrong, all stopped again. */
  start(): Promise<void> {
    return this.#gateway.start()
  }

  /** Takes nothing new, finishes what is under way within its limits, closes everything. Safe to call twice. */
  stop(): Promise<void> {
    return this.#gateway.stop()
  }

  /**
   * Runs another configuration from now on: what is the same goes on undisturbed, and what a delivery began with, it
   * ends with. Resolves with the number of the generation that runs then, and the sections that have changed and take
   * effect at the next start only. Rejects with CONFIG_INVALID or what keeps a part from starting; nothing has changed then.
   */
  reload(config: ConfigInput): Promise<Reloaded> {
    return this.#gateway.reload(() => this.#read(config))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** Resolves with the reason when the gateway can no longer keep its promises: stop it, and start another. */
  get failed(): Promise<Error> {
    return this.#gateway.failed
  }

  /** What listens where: `http` -> `http://127.0.0.1:8080`, and `mqtt`, `ws`, `admin`. */
  get addresses(): ReadonlyMap<string, string> {
    return this.#gateway.addresses
  }

  /** Calls `listener` for all that happens on the path from now on, as `headgate tail` shows it. Returns what ends that. */
  watch(listener: Listener): () => void {
    return this.#gateway.activity.subscribe(listener)
  }

  /**
   * Offers an event to the routes with `from: program`. Resolves once it is on disk; rejects with EVENT_INVALID
   * or EVENT_TOO_LARGE, or with what keeps the gateway from taking it (OVERLOADED, JOURNAL_FULL, STOPPING).
   */
  async emit(event: AnyEvent): Promise<Receipt> {
    return this.#gateway.front.accept(fromSdk(event), { source: 'program', address: '' })
  }

  /**
   * Calls a function, `<name>` or `<name>@<version>` or `<service>/<name>`, with an event, or with data: bytes, text, or what becomes JSON. Resolves with its reply as an
   * event of the SDK, whose `data` is a value if it is JSON. Rejects with the error that a caller is told: `code` is
   * CALL_TIMED_OUT, FUNCTION_UNKNOWN, FUNCTION_REJECTED (the function's own code is `detailCode`) and others.
   */
  async call(name: string, given?: unknown, options: CallOptions = {}): Promise<SdkEvent<unknown>> {
    const { accept, calls } = this.#gateway.front
    const { timeoutMs = TIMEOUT_MS, callId = uuidv7() } = options
    const [service = '', as] = name.split('/')
    const sent = isEvent(given) ? fromSdk(given) : plain(service, given)
    const event = asCall(as === undefined ? sent : withExtensions(sent, { function: as }), callId, timeoutMs)
    const limit = new Deadline(timeoutMs, ...(options.signal ? [options.signal] : []))
    const { signal } = limit
    const waiting = calls.reply(callId, signal)
    // Awaited below, or never when the call is not accepted: that is no unhandled rejection.
    waiting.catch(() => {})
    try {
      await accept(event, { source: 'call', address: name }, { direct: options.callId === undefined })
      return answer(await waiting, event)
    } catch (error) {
      if (signal.aborted && options.callId === undefined) calls.cancel(callId)
      const late = limit.passed && error === signal.reason
      limit.giveUp(error)
      throw late ? timedOut(name, timeoutMs, callId) : error
    } finally {
      limit.end()
    }
  }
}

/**
 * Makes a gateway from a configuration: the path of a YAML file or of a folder of them, or `{ yaml }` with the text.
 * Resolves when the configuration is valid; nothing is opened before `start`. Rejects with CONFIG_INVALID, all
 * mistakes in it with their places.
 */
export async function createGateway(config: ConfigInput, options: CreateOptions = {}): Promise<EmbeddedGateway> {
  const { env = process.env, functions, connectors: own = connectors, ...rest } = options
  const reading = { connectors: own, env, ...(functions === undefined ? {} : { functions }) }
  const read = async (given: ConfigInput): Promise<Config> =>
    typeof given === 'string' ? loadConfig(given, reading) : parseConfig(given.yaml, '<yaml>', reading)
  const gateway = new Gateway(await read(config), { ...rest, connectors: own })
  return new EmbeddedGateway(gateway, read)
}

const isEvent = (given: unknown): given is AnyEvent =>
  typeof given === 'object' && given !== null && 'specversion' in given && 'source' in given && 'type' in given

const plain = (subject: string, data: unknown): CloudEvent => ({
  specversion: '1.0',
  id: uuidv7(),
  source: '/headgate/program',
  type: 'headgate.call',
  subject,
  time: new Date().toISOString(),
  ...contentOf(data),
})

/** The reply is for the program alone, unless the event names a topic for it. */
const asCall = (event: CloudEvent, callId: string, timeoutMs: number): CloudEvent =>
  withExtensions(event, {
    [CALL_EXTENSIONS.callId]: callId,
    [CALL_EXTENSIONS.deadline]: new Date(Date.now() + timeoutMs).toISOString(),
    ...(extension(event, CALL_EXTENSIONS.replyTo) === undefined ? { [CALL_EXTENSIONS.replyForm]: 'http' } : {}),
  })

function answer(reply: CallReply, event: CloudEvent): SdkEvent<unknown> {
  if (reply.error === undefined) return toSdk(replyEvent(reply, event))
  const { code, message, retryAfterMs, type } = reply.error
  const told = { type, ...(reply.cold && { cold: true }) }
  const options = retryAfterMs === undefined ? told : { ...told, retryAfterMs }
  throw isOurs(code)
    ? new GatewayError(code, message, options)
    : new GatewayError('FUNCTION_REJECTED', message, { ...options, detailCode: code })
}

const isOurs = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code)

const timedOut = (name: string, ms: number, callId: string): GatewayError =>
  new GatewayError(
    'CALL_TIMED_OUT',
    `${name} (call): waiting for the reply: none came within ${ms} ms; ask what became of it with "headgate why ${callId}"`,
  )
