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
      'Bytes that the journal holds: of events, of the state of their deliveries, and, up to a quarter, of what was recorded of calls. When they are reached, sources pause and callers get JOURNAL_FULL until deliveries settle and expire; a recording for which there is no room is not kept. A sixteenth more is set aside for copies of dead letters that have no room but without their data. An event larger than this is refused for good (EVENT_TOO_LARGE).',
    ),
})

export type JournalConfig = z.output<typeof journalConfig>
