/** The options of a postgres sink. */

import * as z from 'zod'
import { duration } from '#connector'
import { postgresUrl, tableName } from './config.ts'

export const postgresSinkConfig = z.strictObject({
  url: postgresUrl().describe('Where the database is: postgres://user:password@host:port/database.'),
  table: tableName
    .default('headgate_events')
    .describe(
      'The table that gets a row for each event, once for each source and id. In the schema public unless it says another.',
    ),
  create: z.boolean().default(true).describe('Whether the table is made when it is not there.'),
  timeout: duration()
    .prefault('15s')
    .describe('An attempt that has no answer by then is tried again; the timeout of the route ends it earlier.'),
  connect_timeout: duration().prefault('10s').describe('How long connecting may take.'),
  max_connections: z
    .int()
    .min(1)
    .max(1_000)
    .default(8)
    .describe('Connections open at once: as many rows are written at once.'),
})

export type PostgresSinkConfig = z.output<typeof postgresSinkConfig>
