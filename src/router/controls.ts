/** Options of a route that say when, and how many at once, its deliveries are made. */

import * as z from 'zod'
import { duration } from '../schema/index.ts'

/** The options themselves, for the schema of a route. */
export const controlOptions = {
  delay: duration()
    .optional()
    .describe('How long after it was accepted an event is delivered, at the earliest. The wait survives a restart.'),
}

const controlConfig = z.strictObject(controlOptions)
export type ControlConfig = z.output<typeof controlConfig>
