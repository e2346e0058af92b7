/** Reads the triggers of one manifest, each as its type has it. */

import * as z from 'zod'
import { traced } from '../../event-sources/expansion.ts'
import { mapping, type Reporter } from '../../names.ts'
import { check, oneOf } from '../../report.ts'
import { renamed } from '../aliases.ts'
import type { Sound } from '../function.ts'
import type { TriggerType } from './trigger.ts'

/** One trigger; its type and its options are checked by the type. */
export const triggerEntry = z.strictObject({
  triggerType: z.unknown().optional().describe('http, kafka, cron or storage.'),
  config: z.unknown().optional().describe('Options of the type: below.'),
  name: z
    .string()
    .min(1)
    .optional()
    .describe('What its route and its source are called; the name of the function and the type when not given.'),
})

/** Adds the triggers of a manifest to those of their types; reports everything wrong with them. */
export function addTriggers(
  { name, nameAt, triggers, at: base }: Sound,
  types: ReadonlyMap<string, ReturnType<TriggerType['open']>>,
  reporter: Reporter,
): void {
  const to = traced(name, nameAt)
  triggers.forEach((written, index) => {
    const at = [...base, 'triggers', index]
    const given = renamed(mapping(written), { type: 'triggerType' }, at, reporter)
    const report = reporter.problems.push.bind(reporter.problems)
    check(triggerEntry, mapping(written) === written ? given : written, at, reporter.places, report)
    if (mapping(written) !== written) return
    const { triggerType: type, config, name: own } = given
    const open = typeof type === 'string' ? types.get(type) : undefined
    if (!open) {
      reporter.report([...at, 'triggerType'], oneOf([...types.keys()], type), {
        suggestion: `others are written in a configuration: a source, and a route with to: ${name}`,
      })
      return
    }
    const called = typeof own === 'string' && own !== '' ? own : `${name}-${type}`
    open.add(config, { at: [...at, 'config'], name: called, function: name, to })
  })
}
