/** The options of the admin listener. */

import * as z from 'zod'
import { address } from '../schema/index.ts'

export const adminConfig = z.strictObject({
  listen: address()
    .prefault('127.0.0.1:9090')
    .describe(
      'Where health, metrics and the control API listen. Whoever reaches it may read and drop events: keep it on a loopback address or behind a proxy that asks who is there.',
    ),
})

export type AdminConfig = z.output<typeof adminConfig>
