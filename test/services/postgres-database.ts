/** A database of its own on a real server, for one test. */

import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { eventually } from './eventually.ts'

export class Database implements AsyncDisposable {
  readonly name: string
  readonly url: string
  readonly #server: string
  readonly #client: pg.Client
  #last: Promise<unknown> = Promise.resolve()

  private constructor(server: string, name: string) {
    const url = new URL(server)
    url.pathname = name
    this.name = name
    this.#server = server
    this.url = url.href
    this.#client = new pg.Client({ connectionString: this.url })
    // The server may be stopped.
    this.#client.on('error', () => {})
  }

  /** Resolves with an empty database on the server at that URL of a superuser. */
  static async open(server: string): Promise<Database> {
    const made = new Database(server, `test_${randomBytes(6).toString('hex')}`)
    await atServer(server, `create database ${made.name}`)
    await made.#client.connect()
    return made
  }

  /** Resolves with the rows of the last of these statements. */
  query<Row extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<Row[]> {
    const ask = () => (values ? this.#client.query<Row>(sql, [...values]) : this.#client.query<Row>(sql))
    const rows = this.#last.then(ask).then((result) => ([result].flat().at(-1) ?? result).rows)
    this.#last = rows.catch(() => {})
    return rows
  }

  /** A connection of its own. */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url })
    client.on('error', () => {})
    await client.connect()
    return client
  }

  /** Ends every other connection to it, as a fault would. Resolves with how many there were. */
  async cut(): Promise<number> {
    const others = 'from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()'
    return (await this.query(`select pg_terminate_backend(pid) ${others}`)).length
  }

  /** Resolves with the number of connections that are open beside this one. */
  async connections(): Promise<number> {
    const sql = `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type in ('client backend', 'walsender')`
    return (await this.query(sql)).length
  }

  /** Drops every slot in it, whoever reads them. */
  async dropSlots(): Promise<void> {
    const slots = 'from pg_replication_slots where database = current_database()'
    const drop = async () => {
      await this.query(`select pg_terminate_backend(active_pid) ${slots} and active`)
      await this.query(`select pg_drop_replication_slot(slot_name) ${slots} and not active`)
      return (await this.query(`select ${slots}`)).length === 0
    }
    await eventually(drop, { what: 'every slot is dropped', everyMs: 50 })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dropSlots()
    await this.#client.end()
    await atServer(this.#server, `drop database ${this.name} with (force)`)
  }
}

async function atServer(server: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  await client.query(sql)
  await client.end()
}
