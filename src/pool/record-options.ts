/** Of which calls of a function it is kept what they were given, and how much. */

import * as z from 'zod'
import { size } from '../schema/index.ts'

const when = z.enum(['failure', 'always', 'never'])

const options = z.strictObject({
  when: when.default('failure').describe('Of which calls.'),
  limit: size()
    .prefault('64KiB')
    .describe('Bytes that are kept of one call; of one that asks for more it cannot be replayed to its end.'),
})

/** When alone, or with its limit. */
export const recordOptions = z.union([when.transform((only) => options.parse({ when: only })), options])
