/** Emits an event for each change of the rows of some tables, read from the log of the database. */

import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context, Emit, GatewayError, Source } from '#connector'
import type { PostgresConfig } from './config.ts'
import { Session } from './session.ts'
import { troubled } from './trouble.ts'

const FIRST_RETRY_MS = 200
const LONGEST_RETRY_MS = 15_000

export class PostgresSource implements Source {
  readonly #config: PostgresConfig
  readonly #context: Context
  readonly #stop = new AbortController()
  readonly #first = Promise.withResolvers<void>()
  readonly #application: string
  #running: Promise<void> | undefined
  #session: Session | undefined
  #delay = FIRST_RETRY_MS
  #standby = false
  /** What was wrong last: it is told once. */
  #told: string | undefined

  constructor(config: PostgresConfig, context: Context) {
    this.#config = config
    this.#context = context
    // The server cuts it at 63 bytes.
    this.#application = `headgate ${context.name.slice(0, 30)} ${randomBytes(4).toString('hex')}`
  }

  /**
   * Resolves once it receives, reads the rows that are there, or waits for another gateway that reads the slot. Rejects
   * with SOURCE_UNAVAILABLE when the database cannot be reached or read as configured.
   */
  async start(emit: Emit, signal: AbortSignal): Promise<void> {
    const late = () => this.#first.reject(this.#error(new Error('the time to start is over')))
    signal.addEventListener('abort', late, { once: true })
    if (signal.aborted) late()
    this.#running = this.#run(emit)
    try {
      await this.#first.promise
    } catch (error) {
      await this.stop()
      throw error
    } finally {
      signal.removeEventListener('abort', late)
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
    this.#context.meter.ended()
  }

  async #run(emit: Emit): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const session = new Session({
        config: this.#config,
        context: this.#context,
        emit,
        slot: slotOf(this.#config, this.#context.name),
        application: this.#application,
        receiving: (standby) => this.#receiving(standby),
      })
      this.#session = session
      try {
        await session.run(signal)
      } catch (thrown) {
        this.#broken(this.#error(thrown))
      }
      await sleep(this.#delay * (0.5 + Math.random()), undefined, { signal }).catch(() => {})
    }
  }

  #receiving(standby: boolean): void {
    this.#first.resolve()
    this.#delay = FIRST_RETRY_MS
    const { log, meter, name } = this.#context
    if (standby) {
      if (!this.#standby) log.info({ source: name }, `${name} (postgres): another gateway reads; waiting to take over`)
    } else {
      if (this.#told !== undefined) meter.reconnected()
      if (this.#told !== undefined || this.#standby) log.info({ source: name }, `${name} (postgres): reading changes`)
      this.#told = undefined
    }
    this.#standby = standby
  }

  #broken(error: GatewayError): void {
    // Before the first success it is for `start` to tell.
    this.#first.reject(error)
    const { log, meter, name } = this.#context
    meter.troubled()
    if (this.#told !== error.message) log.warn({ source: name, code: error.code }, `${error.message}; trying again`)
    this.#told = error.message
    this.#standby = false
    this.#delay = Math.min(this.#delay * 2, LONGEST_RETRY_MS)
  }

  #error(thrown: unknown): GatewayError {
    const doing = this.#session?.doing ?? 'connecting'
    return troubled(thrown, { who: `${this.#context.name} (postgres)`, url: this.#config.url, doing })
  }
}

/** Slots are named in lower case. */
export const slotOf = ({ slot }: Pick<PostgresConfig, 'slot'>, name: string): string =>
  slot ?? `headgate_${name.toLowerCase().replace(/[^a-z0-9_]/g, '_')}`.slice(0, 63)
