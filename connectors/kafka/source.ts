/** Makes topics a source: a member of a consumer group that commits what the gateway has accepted, and joins again after every fault. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type Context, type Emit, GatewayError, type Source } from '#connector'
import { type Client, openClient } from './client.ts'
import { type KafkaConfig, topicsOf } from './config.ts'
import { GroupConsumer } from './consumer.ts'
import { Ends } from './ends.ts'
import { Intake } from './intake.ts'
import { standingOf } from './standing.ts'
import { troubleOf } from './trouble.ts'

/** How often offsets are committed and room is looked for. Milliseconds. */
const TICK_MS = 250
/** A start waits no longer for its place in the group: a member that died keeps it for its session. Milliseconds. */
const JOIN_MS = 6_000
/** How long a stop may take to commit and to leave. Milliseconds. */
const LEAVE_MS = 3_000
const FIRST_BACKOFF_MS = 500
const LONGEST_BACKOFF_MS = 30_000

export class KafkaSource implements Source {
  readonly #config: KafkaConfig
  readonly #context: Context
  readonly #doing: string
  readonly #ending = new AbortController()
  #client: Client | undefined
  #intake: Intake | undefined
  #ends: Ends | undefined
  #consumer: GroupConsumer | undefined
  #timer: NodeJS.Timeout | undefined
  #isTicking = false
  #rebuilding: Promise<void> | undefined
  #isTroubled = false
  #joined = Promise.withResolvers<void>()

  constructor(config: KafkaConfig, context: Context) {
    this.#config = config
    this.#context = context
    this.#doing = `${context.name} (kafka): consuming ${topicsOf(config)
      .map((topic) => `"${topic}"`)
      .join(', ')} at ${config.brokers.join(', ')}`
  }

  async start(emit: Emit, signal: AbortSignal): Promise<void> {
    const stop = () => this.#joined.reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    this.#joined.promise.catch(() => {})
    try {
      const client = await openClient(this.#config, this.#context.log, this.#context.name)
      this.#client = client
      this.#intake = new Intake(this.#context, emit)
      await Promise.race([this.#begin(client), this.#joined.promise])
      await Promise.race([this.#joined.promise, this.#late(signal)])
    } catch (error) {
      await this.stop()
      throw this.#error(error)
    } finally {
      signal.removeEventListener('abort', stop)
    }
    this.#timer = setInterval(() => void this.#tick(), TICK_MS)
  }

  async stop(): Promise<void> {
    if (this.#ending.signal.aborted) return void (await this.#intake?.stop())
    this.#ending.abort(new Error('the source is stopping'))
    clearInterval(this.#timer)
    const consumer = this.#consumer
    consumer?.pauseAll()
    await this.#intake?.stop()
    await this.#rebuilding
    await within(LEAVE_MS, consumer?.commit())
    await within(LEAVE_MS, Promise.all([consumer?.stop(), this.#ends?.stop()]))
    this.#client?.end()
    this.#context.meter.ended()
  }

  async #begin(client: Client): Promise<void> {
    const { from, group } = this.#config
    this.#ends = new Ends(client.kafka, group, topicsOf(this.#config))
    await this.#ends.start(from === 'end')
    await this.#consume(client)
  }

  async #consume({ kafka }: Client): Promise<void> {
    const intake = this.#intake
    if (intake === undefined) return
    const { buffer, group, session_timeout: sessionTimeoutMs } = this.#config
    const consumer = new GroupConsumer({
      kafka,
      intake,
      group,
      topics: topicsOf(this.#config),
      buffer,
      sessionTimeoutMs,
      joined: (assignment) => {
        this.#ends?.seek(assignment, consumer)
        this.#recovered(assignment)
      },
      ended: (error) => this.#ended(error),
    })
    this.#consumer = consumer
    await consumer.start()
  }

  #late = async (signal: AbortSignal): Promise<void> => {
    await sleep(JOIN_MS, undefined, { signal: AbortSignal.any([signal, this.#ending.signal]) }).catch(() => {})
    signal.throwIfAborted()
  }

  #recovered(assignment: Readonly<Record<string, readonly number[]>>): void {
    const { log, meter, name } = this.#context
    log.info({ source: name, group: this.#config.group, partitions: assignment }, `${this.#doing}: joined the group`)
    this.#joined.resolve()
    if (this.#isTroubled) meter.reconnected()
    this.#isTroubled = false
  }

  /** A consumer crashed or fell silent. Before the first join, that is what the start rejects with. */
  #ended(error: unknown): void {
    if (this.#ending.signal.aborted) return
    if (this.#timer === undefined) {
      this.#joined.reject(error)
      return
    }
    this.#context.meter.troubled()
    if (!this.#isTroubled) {
      const { message } = this.#error(error)
      this.#context.log.warn({ source: this.#context.name }, `${message}; joining again until that works`)
    }
    this.#isTroubled = true
    this.#rebuilding ??= this.#rebuild().finally(() => {
      this.#rebuilding = undefined
    })
  }

  async #rebuild(): Promise<void> {
    const { signal } = this.#ending
    for (let tries = 0; !signal.aborted; tries++) {
      const longest = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** tries)
      await sleep(longest * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {})
      this.#intake?.assign({})
      await this.#consumer?.stop()
      if (signal.aborted || this.#client === undefined) return
      try {
        await this.#consume(this.#client)
        return
      } catch {
        this.#context.meter.troubled()
      }
    }
  }

  async #tick(): Promise<void> {
    const consumer = this.#consumer
    if (this.#isTicking || consumer === undefined || this.#rebuilding !== undefined) return
    this.#isTicking = true
    try {
      consumer.resume()
      void this.#ends?.look()
      if (this.#intake) this.#context.meter.stands(standingOf(this.#intake, this.#ends))
      await consumer.commit()
    } catch {
      // The next tick commits as much and more; a group that is gone is told by the consumer.
    } finally {
      this.#isTicking = false
    }
    // tulios/kafkajs#659, #1431: a consumer may stop without a word.
    if (consumer.silentMs > 2 * this.#config.session_timeout) this.#ended(new Error('the consumer fell silent'))
  }

  #error(error: unknown): GatewayError {
    if (error instanceof GatewayError) return error
    const { kind, what } = troubleOf(error)
    return new GatewayError('SOURCE_UNAVAILABLE', `${this.#doing}: ${what}`, { fingerprint: `kafka ${kind}` })
  }
}

/** Resolves when the work ends, however it does, or after `ms`. */
async function within(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  const enough = new AbortController()
  const late = sleep(ms, undefined, { signal: enough.signal }).catch(() => {})
  await Promise.race([Promise.resolve(work).catch(() => {}), late])
  enough.abort()
}
