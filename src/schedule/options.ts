/** A schedule and its time zone as they are written in YAML. */

import * as z from 'zod'
import { isTimezone, scheduleProblem } from './slots.ts'

/** A schedule in YAML; the same text in code, which `Slots` takes. */
export const schedule = () =>
  z
    .string()
    .superRefine((text, context) => {
      const problem = scheduleProblem(text)
      if (problem !== undefined)
        context.addIssue({ code: 'custom', message: `"${text}" is not a schedule: ${problem}` })
    })
    .meta({ examples: ['0 2 * * *'] })

/** The name of a time zone; UTC when there is none. */
export const timezone = () =>
  z
    .string()
    .refine(isTimezone, {
      error: ({ input }) => `"${input}" is not a time zone; write UTC or a name such as Europe/Berlin`,
    })
    .default('UTC')
