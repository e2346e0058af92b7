/** The options of a postgres source. */

import * as z from 'zod'
import { duration, secret, size } from '#connector'

export const OPERATIONS = ['insert', 'update', 'delete', 'truncate'] as const

/** Identifiers are cut at 63 bytes by the server; the publications add up to nine to theirs. */
const identifier = (max: number) =>
  z
    .string()
    .min(1)
    .refine((text) => Buffer.byteLength(text) <= max, { error: `is longer than ${max} bytes` })

/** Never shows what was written: it may hold a password. */
export const postgresUrl = () =>
  secret()
    .refine((text) => /^postgres(ql)?:\/\/[^/]/.test(text) && URL.canParse(text), {
      error: 'expected a URL such as postgres://user:password@host:5432/database',
    })
    .meta({ secret: true, examples: ['postgres://user:password@host:5432/database'] })

export const tableName = z.string().regex(/^[^.]+(\.[^.]+)?$/, {
  error: ({ input }) => `"${input}" is not a table; write orders, or sales.orders for one outside the schema public`,
})

export const postgresConfig = z.strictObject({
  url: postgresUrl().describe(
    'Where the database is: postgres://user:password@host:port/database, with sslmode and the like as parameters.',
  ),
  tables: z
    .record(tableName, z.array(z.enum(OPERATIONS)).min(1))
    .refine((tables) => Object.keys(tables).length > 0, { error: 'expected at least one table' })
    .describe(
      'Tables, each with what is told of: a list of insert, update, delete and truncate. In the schema public unless it says another: sales.orders.',
    ),
  snapshot: z
    .enum(['initial', 'never'])
    .default('never')
    .describe(
      'initial: the rows that are there when the source first starts come first, those of tables with insert, and again when the slot is lost. never: changes from then on alone.',
    ),
  slot: z
    .string()
    .regex(/^[a-z0-9_]{1,63}$/, {
      error: ({ input }) => `"${input}" is not the name of a slot: a-z, 0-9 and _, up to 63 of them`,
    })
    .optional()
    .describe(
      'Replication slot, which keeps the place in the log; `headgate_<name of the source>` unless told. Gateways that name the same one share it: one reads, the others wait.',
    ),
  publication: identifier(63)
    .optional()
    .describe('A publication that is there already, to read instead of those that the source makes for itself.'),
  create: z
    .boolean()
    .default(true)
    .describe('Whether the slot and the publications are made where they are missing; false wants them there.'),
  connect_timeout: duration().prefault('10s').describe('How long connecting may take.'),
  warn_lag: size()
    .prefault('1GiB')
    .describe('A warning is logged when the slot keeps more of the log than this on the disk of the database.'),
})

export type PostgresConfig = z.output<typeof postgresConfig>
export type Operation = (typeof OPERATIONS)[number]
