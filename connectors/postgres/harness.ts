/** Opens one isolated upstream for the conformance suite: a database with a table whose rows are the messages. */

import type { Sample, SourceHarness, Upstream } from '#conformance'
import type { CloudEvent } from '#connector'
import { Database } from '../../test/services/postgres-database.ts'
import connector from './index.ts'
import { parseLsn } from './lsn.ts'

/** The harness that the universal suite runs the source with. */
export const postgresHarness = (server: string): SourceHarness => ({
  connector,
  open: () => openTable(server),
  content,
  unreachable: async () => {
    const url = new URL(server)
    // Port 1 is tcpmux: nobody listens there.
    url.port = '1'
    return { config: { url: url.href, tables: { messages: ['insert'] } }, names: `${url.hostname}:1` }
  },
})

const MAKE = 'create table messages (subject text primary key, data bytea)'
const PUT = 'insert into messages values ($1, $2) on conflict (subject) do update set data = excluded.data'

async function openTable(server: string): Promise<Upstream> {
  const database = await Database.open(server)
  await database.query(MAKE)
  /** Where in the log each message is. */
  const sent: bigint[] = []
  const send = async (messages: readonly Sample[]) => {
    for (const { subject, data } of messages) {
      await database.query('begin')
      await database.query(PUT, [subject, data])
      const [row] = await database.query<{ lsn: string }>('select pg_current_wal_insert_lsn() as lsn')
      await database.query('commit')
      sent.push(parseLsn(row?.lsn ?? '0/0'))
    }
    return messages.map(() => 'accepted' as const)
  }
  return {
    config: { url: database.url, tables: { messages: ['insert', 'update', 'delete'] } },
    // One connection, one message after the other.
    send: inTurn(send),
    unacknowledged: async () => {
      const [slot] = await database.query<{ lsn: string }>(
        'select confirmed_flush_lsn as lsn from pg_replication_slots',
      )
      const confirmed = parseLsn(slot?.lsn ?? '0/0')
      return sent.filter((lsn) => lsn >= confirmed).length
    },
    interrupt: async () => void (await database.cut()),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

function inTurn<A, R>(work: (given: A) => Promise<R>): (given: A) => Promise<R> {
  let last: Promise<unknown> = Promise.resolve()
  return (given) => {
    const result = last.then(() => work(given))
    last = result.catch(() => {})
    return result
  }
}

/** The bytes of the row: JSON carries them in base64. */
function content({ data }: CloudEvent): Uint8Array {
  const { after } = JSON.parse(Buffer.from(data ?? []).toString()) as { readonly after: { readonly data: string } }
  return Buffer.from(after.data, 'base64')
}
