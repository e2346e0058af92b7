/** PostgreSQL for the `connectors` bench: a table of its own for each reader, with a slot from before it was filled. */

import { POSTGRES } from '../../services/postgres.ts'
import { Database } from '../../services/postgres-database.ts'
import { startOwn } from '../../services/server.ts'
import type { Upstream, UpstreamKind } from './upstream.ts'

/** Rows of one transaction. */
const ROWS = 100

export const postgres: UpstreamKind = { name: 'postgres', client: 'pg-logical-replication', open }

async function open(): Promise<Upstream> {
  const server = await startOwn(POSTGRES)
  let before: Database | undefined
  return {
    async fill(messages) {
      // The one before was read, or is not wanted any longer: its slot would keep the log.
      await before?.[Symbol.asyncDispose]()
      const database = await Database.open(server.address)
      before = database
      await database.query('create table messages (id int8 primary key, message text)')
      await database.query('create publication backlog for table messages')
      await database.query(`select pg_create_logical_replication_slot('backlog', 'pgoutput')`)
      await database.query(`do $$ begin
        for low in 0..${messages - 1} by ${ROWS} loop
          insert into messages select n, rpad('{"n":' || n || ',"text":"', 1022, 'x') || '"}'
            from generate_series(low, least(low + ${ROWS}, ${messages}) - 1) n;
          commit;
        end loop;
      end $$`)
      return {
        source: {
          postgres: {
            url: database.url,
            tables: { messages: ['insert'] },
            publication: 'backlog',
            slot: 'backlog',
            warn_lag: '64GiB',
          },
        },
        bare: [new URL('./postgres.bare.ts', import.meta.url).pathname, database.url, `${messages}`],
      }
    },
    async [Symbol.asyncDispose]() {
      await before?.[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}
