/** Options of the journal: where it lives, how long it remembers, how large it may grow. */

import * as z from 'zod'
import { duration, size } from '../schema/index.ts'

export const journalConfig = z.strictObject({
  path: z
    .string()
    .min(1)
    .default('./var/journal')
    .describe('Folder of the journal, on a local disk. Made when absent. One process at a time.'),
  memory: z
    .boolean()
    .default(false)
    .describe(
      'Keeps the journal in memory: nothing survives the process. For tests and benches, never for production.',
    ),
  retain: duration()
    .prefault('24h')
    .describe(
      'How long a settled event is remembered: a repeated one is recognised, and a repeated call gets its first answer, for this long. Dead letters stay until they are dropped or redriven.',
    ),
  max_size: size()
    .prefault('8GiB')
    .describe(
      'Bytes of events that the journal holds. When they are reached, sources pause and callers get JOURNAL_FULL until deliveries settle and expire.',
    ),
})

export type JournalConfig = z.output<typeof journalConfig>
