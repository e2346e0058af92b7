/** Writes each event into a table, once, however often it is delivered. */

import type { Client } from 'pg'
import { type CloudEvent, type Context, Deadline, GatewayError, type Sink } from '#connector'
import { connect, endpointOf } from './connection.ts'
import type { PostgresSinkConfig } from './sink-config.ts'
import { Pool } from './sink-pool.ts'
import { type Insert, prepareTable } from './sink-table.ts'
import { hide, stateOf, troubled } from './trouble.ts'

/** Of a value that does not fit, of a rule of the table that is broken, of what a trigger says: trying again changes nothing. */
const REFUSED = /^(22|23|44|54|P0)/
/** Classes in which the server repeats what was written. */
const REPEATS = /^(22|23|44)/
const AFTER = /retry after (\d+) ?s/i

export class PostgresSink implements Sink {
  readonly #config: PostgresSinkConfig
  readonly #context: Context
  #pool: Pool | undefined
  #insert: Insert | undefined

  constructor(config: PostgresSinkConfig, context: Context) {
    this.#config = config
    this.#context = context
  }

  /** Resolves once the table is there. Rejects with SINK_UNAVAILABLE when it cannot be reached, made or written to. */
  async start(signal: AbortSignal): Promise<void> {
    const { connect_timeout: timeoutMs, create, max_connections, table, url } = this.#config
    const application = `headgate ${this.#context.name.slice(0, 50)}`
    this.#pool = new Pool(() => connect({ url, application, timeoutMs }), max_connections)
    try {
      this.#insert = await this.#pool.use(signal, (client) => prepareTable(client, table, create))
    } catch (error) {
      await this.stop()
      throw troubled(error, { who: this.#who, url, doing: `preparing "${table}"` }, 'SINK_UNAVAILABLE')
    }
  }

  /**
   * Resolves once the row is committed, or one of the same source and id was there. Rejects with SINK_REJECTED when the
   * values or a rule of the table say no, with SINK_UNAVAILABLE for anything else.
   */
  async deliver(event: CloudEvent, signal: AbortSignal): Promise<void> {
    const insert = this.#insert
    if (!this.#pool || !insert) throw this.#error('SINK_UNAVAILABLE', 'it is stopped')
    const deadline = new Deadline(this.#config.timeout, signal)
    try {
      await this.#pool.use(deadline.signal, (client) => write(client, insert, event))
    } catch (error) {
      if (error instanceof GatewayError) throw error
      if (signal.aborted) throw this.#error('SINK_UNAVAILABLE', 'it was given up')
      if (deadline.passed) throw this.#error('SINK_UNAVAILABLE', `no answer within ${this.#config.timeout} ms`)
      throw this.#refused(error)
    } finally {
      deadline.end()
    }
  }

  async stop(): Promise<void> {
    const pool = this.#pool
    this.#pool = undefined
    await pool?.close(this.#error('SINK_UNAVAILABLE', 'it was stopped'))
  }

  #refused(error: unknown): GatewayError {
    const { url } = this.#config
    const state = stateOf(error)
    if (state === undefined) return troubled(error, { who: this.#who, url, doing: this.#doing }, 'SINK_UNAVAILABLE')
    const { constraint, hint = '', message } = error as { constraint?: string; hint?: string; message: string }
    const rule = constraint === undefined ? '' : ` (${constraint})`
    const what = REPEATS.test(state) ? `the table refuses the row with ${state}${rule}` : `${state}: ${message}`
    const [, seconds] = AFTER.exec(hint) ?? []
    return this.#error(REFUSED.test(state) ? 'SINK_REJECTED' : 'SINK_UNAVAILABLE', hide(what, url), {
      fingerprint: `postgres ${state}`,
      ...(seconds === undefined ? {} : { retryAfterMs: Number(seconds) * 1_000 }),
    })
  }

  get #who(): string {
    return `${this.#context.name} (postgres)`
  }

  get #doing(): string {
    return `writing to "${this.#config.table}"`
  }

  #error(
    code: 'SINK_UNAVAILABLE' | 'SINK_REJECTED',
    what: string,
    options: { readonly fingerprint?: string; readonly retryAfterMs?: number } = {},
  ): GatewayError {
    const at = endpointOf(this.#config.url)
    return new GatewayError(code, `${this.#who}: ${this.#doing} at "${at}": ${what}`, options)
  }
}

async function write(client: Client, { text, values }: Insert, event: CloudEvent): Promise<void> {
  // Its name has each connection parse it once.
  await client.query({ name: 'headgate', text, values: [...values(event)] })
}
