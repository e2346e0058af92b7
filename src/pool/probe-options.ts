/** Options of the probe of a function: the call that it must answer before it gets any other. */

import * as z from 'zod'
import { duration } from '../schema/index.ts'

const event = z
  .object({
    type: z.string().min(1).default('headgate.probe').describe('The type of the event that it is called with.'),
    subject: z.string().optional().describe('The subject.'),
    datacontenttype: z.string().optional().describe('`application/json` if absent and there is `data`.'),
    data: z.json().optional().describe('Any value; it becomes JSON, or is the text of a type that is not JSON.'),
  })
  .catchall(z.union([z.string(), z.number(), z.boolean()]))

export const probeOptions = z.strictObject({
  event: event
    .prefault({})
    .describe('The event that it is called with: `type`, `subject`, `data`, and extensions by name.'),
  reply: z.json().optional().describe('What it must answer, compared as JSON where it is JSON; anything if absent.'),
  timeout: duration().prefault('10s').describe('How long it may take.'),
})
