/** One stretch of reading: from connecting to whatever ends it. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type Context, type Emit, GatewayError } from '#connector'
import type { PostgresConfig } from './config.ts'
import { type Connection, connect, type Target } from './connection.ts'
import { load } from './load.ts'
import { formatLsn } from './lsn.ts'
import { Offers } from './offers.ts'
import { ensurePublications } from './publications.ts'
import { readSettings } from './settings.ts'
import { alone, createSlot, dropSlot, findSlot, type Slot } from './slot.ts'
import { Stream } from './stream.ts'
import { findTables, keyOfTable, type Wanted } from './tables.ts'
import { stateOf, Trouble } from './trouble.ts'
import { watch } from './watch.ts'

/** How often one that waits for another gateway to leave looks again. Milliseconds. */
const STANDBY_MS = 500

export interface SessionParts {
  readonly config: PostgresConfig
  readonly context: Context
  readonly emit: Emit
  readonly slot: string
  /** What the server shows for our connections: no two sources have the same. */
  readonly application: string
  /** Called when it receives, or will as soon as it is its turn. */
  receiving(standby: boolean): void
}

export class Session {
  readonly #parts: SessionParts
  readonly #ending = new AbortController()
  /** What it is doing, for messages. */
  doing = 'connecting'
  #offers: Offers
  #stream: Stream | undefined

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#offers = new Offers(parts.emit, parts.context, this.#ending.signal)
  }

  /** Resolves once `signal` is aborted and emits under way have ended. Rejects, after that too, with what broke it. */
  async run(signal: AbortSignal): Promise<void> {
    const end = () => this.#ending.abort(signal.reason)
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    try {
      await using control = await connect(this.#target)
      await this.#read(control)
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      signal.removeEventListener('abort', end)
      this.#ending.abort()
      await this.#offers.drained()
      await this.#stream?.stop()
    }
  }

  get #target(): Target {
    const { application, config } = this.#parts
    return { url: config.url, application, timeoutMs: config.connect_timeout, signal: this.#ending.signal }
  }

  async #read(control: Connection): Promise<void> {
    const { config, context, slot } = this.#parts
    const { client } = control
    this.doing = 'looking at the database'
    const { feedbackMs } = await readSettings(client, context)
    const tables = await findTables(client, config.tables)
    this.doing = 'publishing the tables'
    const publications = await ensurePublications(client, config, slot, tables)
    for (;;) {
      const there = await this.#slot(control, tables)
      if (
        there &&
        (await this.#free(control, there)) &&
        (await this.#start({ there, publications, tables, feedbackMs, control }))
      )
        break
      this.#parts.receiving(true)
      this.doing = 'waiting for its turn'
      await sleep(STANDBY_MS * (0.5 + Math.random()), undefined, { signal: this.#ending.signal })
    }
    await context.cursor.set(slot)
    this.#parts.receiving(false)
    this.doing = 'reading changes'
    if (this.#stream)
      await watch({ ...this.#parts, control, stream: this.#stream, offers: this.#offers, signal: this.#ending.signal })
  }

  /** Whether the slot can be read. A connection of ours that the server has not seen end is ended. */
  async #free({ client }: Connection, { active, reader }: Slot): Promise<boolean> {
    if (!active) return true
    if (reader === this.#parts.application)
      await client.query('select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1', [
        this.#parts.slot,
      ])
    return false
  }

  /** Resolves to whether it is our turn. */
  async #start(given: {
    readonly there: Slot
    readonly publications: readonly string[]
    readonly tables: readonly Wanted[]
    readonly feedbackMs: number
    readonly control: Connection
  }): Promise<boolean> {
    this.doing = 'starting to read'
    const { control, there, ...more } = given
    const { context, slot } = this.#parts
    const { signal: _, ...target } = this.#target
    const stream = new Stream({
      ...more,
      name: context.name,
      target,
      slot,
      offers: this.#offers,
      confirmed: there.confirmed,
      keyOf: (oid) => control.inTurn((client) => keyOfTable(client, oid)),
      signal: this.#ending.signal,
    })
    try {
      await stream.start()
      this.#stream = stream
      return true
    } catch (error) {
      await stream.stop()
      if (stateOf(error) === '55006') return false
      throw error
    }
  }

  /** Resolves with the slot, made where it is missing; with undefined while another gateway makes it. */
  async #slot({ client }: Connection, tables: readonly Wanted[]): Promise<Slot | undefined> {
    const { slot } = this.#parts
    const found = await findSlot(client, slot)
    if (found && !found.lost) return found
    return alone(client, slot, async () => {
      const again = await findSlot(client, slot)
      if (again && !again.lost) return again
      await this.#make({ client, tables, lost: again })
      return findSlot(client, slot)
    })
  }

  async #make({
    client,
    tables,
    lost,
  }: Pick<Connection, 'client'> & { tables: readonly Wanted[]; lost: Slot | undefined }): Promise<void> {
    const { config, context, slot } = this.#parts
    this.doing = 'making the slot'
    const known = (await context.cursor.get()) === slot
    if (lost || known) this.#tellLost(lost)
    if (!config.create)
      throw new Trouble(
        `the slot "${slot}" ${lost ? 'is lost' : 'is not there'}`,
        `set create: true, or run: ${lost ? `select pg_drop_replication_slot('${slot}'); ` : ''}select pg_create_logical_replication_slot('${slot}', 'pgoutput')`,
      )
    if (lost) await dropSlot(client, slot)
    if (config.snapshot === 'never') {
      await createSlot(client, slot)
      return context.cursor.set(slot)
    }
    this.#parts.receiving(false)
    this.doing = 'reading the rows that are there'
    const { name } = context
    const rows = await load({ name, target: this.#target, slot, tables, offers: this.#offers, client })
    // From here on a slot that is missing is one that was lost.
    await context.cursor.set(slot)
    context.log.info({ source: name, rows, slot }, `${name} (postgres): read the ${rows} rows that were there`)
  }

  #tellLost(lost: Slot | undefined): void {
    const { config, context, slot } = this.#parts
    const since = lost ? ` after ${formatLsn(lost.confirmed)}` : ''
    const then =
      config.snapshot === 'initial'
        ? 'the tables are read again'
        : 'set snapshot: initial to have tables read again then'
    const why = lost ? 'was given up by the server, which kept too much of its log' : 'was dropped'
    const error = new GatewayError(
      'SLOT_LOST',
      `${context.name} (postgres): reading changes: the slot "${slot}" ${why}; changes${since} are gone, and ${then}; see max_slot_wal_keep_size`,
    )
    context.meter.troubled()
    context.log.error({ source: context.name, code: error.code, slot }, error.message)
  }
}
