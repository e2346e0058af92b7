/** What the gateway lends to a connector, kept in memory: small, honest, and enough to run one source alone. */

import {
  type BrokerPort,
  type CallPort,
  type CallReply,
  type ClientPublish,
  type Context,
  type Credit,
  type Cursor,
  GatewayError,
  type HealthPort,
  type Hook,
  type HookPort,
  type Ingress,
  type Log,
  type Meter,
  type Publish,
  type Standing,
} from '#connector'

/** A log that keeps its lines. */
export class MemoryLog implements Log {
  readonly lines: { readonly level: string; readonly fields: object; readonly message: string }[] = []
  debug = (fields: object, message: string): void => this.#keep('debug', fields, message)
  info = (fields: object, message: string): void => this.#keep('info', fields, message)
  warn = (fields: object, message: string): void => this.#keep('warn', fields, message)
  error = (fields: object, message: string): void => this.#keep('error', fields, message)

  #keep(level: string, fields: object, message: string): void {
    this.lines.push({ level, fields, message })
  }
}

/** A broker without sockets: `receive` plays a client's publish, `published` holds what the connector published. */
export class MemoryBroker implements BrokerPort {
  readonly published: Publish[] = []
  readonly #interceptions = new Set<{ readonly filters: readonly string[]; readonly ingress: Ingress }>()

  intercept(filters: readonly string[], ingress: Ingress): () => void {
    const interception = { filters, ingress }
    this.#interceptions.add(interception)
    return () => void this.#interceptions.delete(interception)
  }

  /** A broker has limits: this one takes 32 levels. */
  mayPublish(topic: string): boolean {
    return topic.split('/').length <= 32
  }

  async publish(message: Publish): Promise<void> {
    this.published.push(message)
  }

  /** Resolves when each interceptor whose filter matches has accepted the publish; rejects when one has not. */
  async receive(publish: ClientPublish): Promise<void> {
    for (const { filters, ingress } of this.#interceptions) {
      if (filters.some((filter) => topicMatches(filter, publish.topic))) await ingress(publish)
    }
  }
}

/** [MQTT-4.7.1-2, -3, MQTT-4.7.2-1] */
function topicMatches(filter: string, topic: string): boolean {
  const wanted = filter.split('/')
  const levels = topic.split('/')
  if (topic.startsWith('$') && wanted[0] !== levels[0]) return false
  for (const [i, level] of wanted.entries()) {
    if (level === '#') return true
    if (levels[i] === undefined || (level !== '+' && level !== levels[i])) return false
  }
  return wanted.length === levels.length
}

/** Calls that are never answered: waits end with their signal. */
class MemoryCalls implements CallPort {
  reply(_callId: string, signal: AbortSignal): Promise<CallReply> {
    const { promise, reject } = Promise.withResolvers<CallReply>()
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    return promise
  }
  find = async (): Promise<undefined> => undefined
  cancel(): void {}
  functions = (): readonly string[] => []
}

class MemoryCursor implements Cursor {
  #value: string | undefined
  get = async (): Promise<string | undefined> => this.#value
  async set(value: string): Promise<void> {
    this.#value = value
  }
}

/** A meter that keeps what it is told. */
export class MemoryMeter implements Meter {
  standing: Standing = {}
  troubles = 0
  reconnects = 0
  stands = (standing: Standing): void => {
    this.standing = { ...this.standing, ...standing }
  }
  troubled = (): void => {
    this.troubles += 1
  }
  reconnected = (): void => {
    this.reconnects += 1
  }
  ended = (): void => {
    this.standing = {}
  }
}

/** Credit that a test takes away and gives back. */
export class MemoryCredit implements Credit {
  #closed: PromiseWithResolvers<void> | undefined

  close(): void {
    this.#closed ??= Promise.withResolvers()
  }

  open(): void {
    this.#closed?.resolve()
    this.#closed = undefined
  }

  refusal(): GatewayError | undefined {
    const why = 'gateway: accepting: there is no room; try again later'
    return this.#closed && new GatewayError('OVERLOADED', why, { retryAfterMs: 20 })
  }

  async wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#closed === undefined) return
    const { promise, reject } = Promise.withResolvers<never>()
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    await Promise.race([this.#closed.promise, promise]).finally(() => signal.removeEventListener('abort', abort))
  }
}

/** Paths that were taken, and who took them. */
export class MemoryHooks implements HookPort {
  readonly #hooks = new Map<string, Hook>()
  take(path: string, hook: Hook): () => void {
    this.#hooks.set(path, hook)
    return () => void this.#hooks.delete(path)
  }
  find = (path: string): Hook | undefined => this.#hooks.get(path)
}

const healthy: HealthPort = { alive: () => true, ready: async () => [] }

/** Returns a context whose parts live in memory, with those of `own` in their place. */
export const memoryContext = (own: Partial<Context> = {}): Context => ({
  name: 'under-test',
  maxInFlight: 8,
  log: new MemoryLog(),
  credit: new MemoryCredit(),
  cursor: new MemoryCursor(),
  meter: new MemoryMeter(),
  broker: new MemoryBroker(),
  calls: new MemoryCalls(),
  health: healthy,
  hooks: new MemoryHooks(),
  ...own,
})
