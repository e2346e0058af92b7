/** The options of a key-value store in the configuration. */

import * as z from 'zod'
import { size } from '../schema/index.ts'

/** Host, port, perhaps a user, a password and the number of a database. */
const url = z
  .string()
  .refine((text) => URL.canParse(text) && /^(?:redis|valkey)s?:$/.test(new URL(text).protocol), {
    error: 'expected a URL such as redis://127.0.0.1:6379/0, or rediss:// for TLS',
  })
  .meta({ secret: true, examples: ['redis://127.0.0.1:6379'] })

export const storeConfig = z.strictObject({
  redis: url
    .optional()
    .describe('Keeps it in a Redis or Valkey server, as strings. On disk beside the journal if absent.'),
  prefix: z
    .string()
    .max(256)
    .optional()
    .describe('What its keys begin with in the server; the name of the store and a colon if absent.'),
  max_value: size().prefault('1MiB').describe('What a value may have.'),
  max_size: size()
    .prefault('256MiB')
    .describe('What all of its keys and values may have, of a store on disk; one that is full takes nothing new.'),
})

export type StoreConfig = z.output<typeof storeConfig>
