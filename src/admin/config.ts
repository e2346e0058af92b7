/** The options of the admin listener. */

import * as z from 'zod'
import { address } from '../schema/index.ts'

export const adminConfig = z.strictObject({
  listen: address()
    .prefault('127.0.0.1:9090')
    .describe('Where health, metrics and the control API listen. Whoever reaches it controls the gateway.'),
})

export type AdminConfig = z.output<typeof adminConfig>
