/** Opens a database with a table whose rows are the messages; and one whose table refuses rows when it is told to. */

import {
  type Arrival,
  type Downstream,
  Orders,
  type Refusal,
  type Sample,
  type SinkHarness,
  type SourceHarness,
  type Upstream,
} from '#conformance'
import type { CloudEvent } from '#connector'
import { Database } from '../../test/services/postgres-database.ts'
import { gateOf, type Values } from '../../test/services/postgres-gate.ts'
import { Relay } from '../../test/services/relay.ts'
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

/** The harness that the universal suite runs the sink with. */
export const postgresSinkHarness = (server: string): SinkHarness => ({ connector, open: () => openRefusing(server) })

const TABLE = `create table events (id text, source text, type text, subject text, time text, datacontenttype text,
  dataschema text, extensions jsonb, data bytea, primary key (source, id));
create table refusals (id text, source text, state text, hint text, words text, primary key (source, id));
create function refuse() returns trigger language plpgsql as $$
declare no refusals;
begin
  select * into no from refusals where id = new.id and source = new.source;
  if found then raise exception using errcode = no.state, hint = no.hint, message = no.words; end if;
  return new;
end $$;
create trigger refuse before insert on events for each row execute function refuse()`

async function openRefusing(server: string): Promise<Downstream> {
  const database = await Database.open(server)
  await database.query(TABLE)
  const arrivals: Arrival[] = []
  const orders = new Orders()
  const url = new URL(database.url)
  const secrets = [url.password]
  const between = gateOf('headgate', async (values) => {
    const event = eventOf(values)
    arrivals.push({ event, key: `${event.source} ${event.id}` })
    await prepare(database, event, await orders.answer(event), secrets)
  })
  const gated = await Relay.open(database.url, { between })
  url.port = `${gated.port}`
  return {
    config: { url: url.href, table: 'events' },
    secrets,
    arrived: () => arrivals,
    hold: orders.hold,
    release: orders.release,
    refuse: orders.refuse,
    leave: () => gated.close(),
    comeBack: () => gated.listen(),
    connections: () => gated.connections,
    [Symbol.asyncDispose]: async () => {
      orders.release()
      await gated.close()
      await database[Symbol.asyncDispose]()
    },
  }
}

/** Has the table say this to the event. */
async function prepare(
  database: Database,
  { id, source }: CloudEvent,
  how: Refusal | undefined,
  secrets: readonly string[],
): Promise<void> {
  await database.query('delete from refusals where id = $1 and source = $2', [id, source])
  if (how === undefined) return
  const hint = typeof how === 'object' ? `retry after ${how.retryAfterMs / 1_000} s` : ''
  const state = how === 'reject' ? 'P0001' : how === 'retry' ? '40001' : '53400'
  const words = `not with ${secrets.join(' ')}`
  await database.query('insert into refusals values ($1, $2, $3, $4, $5)', [id, source, state, hint, words])
}

/** The columns in the order of the table. */
function eventOf(values: Values): CloudEvent {
  const [id = '', source = '', type = '', subject, time, datacontenttype, dataschema, extensions = '{}'] = values
    .slice(0, -1)
    .map((value) => value?.toString())
  const data = values.at(-1)
  const given = { subject, time, datacontenttype, dataschema }
  return {
    ...{ specversion: '1.0', id, source, type },
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    ...(extensions !== '{}' && { extensions: JSON.parse(extensions) as NonNullable<CloudEvent['extensions']> }),
    ...(data && { data: Uint8Array.from(data) }),
  }
}
