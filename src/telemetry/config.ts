/** The options of the log. */

import * as z from 'zod'

export const logConfig = z.strictObject({
  level: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('The least important lines that are written.'),
  format: z
    .enum(['auto', 'json', 'pretty'])
    .default('auto')
    .describe(
      '`json` is a line of JSON each; `pretty` is for people; `auto` is pretty on a terminal and JSON elsewhere.',
    ),
})

export type LogConfig = z.output<typeof logConfig>
