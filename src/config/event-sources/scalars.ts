/** The scalars that several types of an `event_sources` document have. */

import * as z from 'zod'

/** The function that gets the events. */
export const targetFunction = z
  .string()
  .min(1)
  .describe('The function that gets the events: `<target_function>.wasm` in the folder of `--functions`.')

/** A list, or text in which commas stand between: as a variable has it. */
export const texts = () =>
  z.union([
    z.array(z.string().min(1)).min(1),
    z
      .string()
      .min(1)
      .transform((text) => text.split(',').map((one) => one.trim())),
  ])
