/** The `event_sources` form: a configuration that says of each upstream which function gets what, as our sections. */

import * as z from 'zod'
import type { Merged } from '../files.ts'
import { mapping, Reporter } from '../names.ts'
import { oneOf } from '../report.ts'
import { cron } from './cron.ts'
import { database } from './database.ts'
import { Expansion } from './expansion.ts'
import { http } from './http.ts'
import { kafka } from './kafka.ts'
import type { Kind } from './kind.ts'
import { sqs } from './sqs.ts'
import { storage } from './storage.ts'

/** Every type that an entry may have. */
export const EVENT_SOURCES: Readonly<Record<string, Kind>> = { http, kafka, storage, cron, database, sqs }

/** The section as a whole: for editors, since it is expanded before anything else is checked. */
export const eventSources = z
  .array(z.union(Object.entries(EVENT_SOURCES).map(([type, kind]) => kind.schema(type))))
  .describe('Another way to write sources, sinks and routes: which function gets what of which upstream.')

/**
 * Puts what `event_sources` stands for in its place: sources, sinks, routes and `http.listen` beside those that are
 * there. Changes nothing that it is given. What is expanded has the places of what it was made of, so that every later
 * problem points there; what is wrong with the form itself is among the problems.
 */
export function expandEventSources(merged: Merged): Merged {
  const { event_sources: written, ...others } = merged.value
  if (written === undefined) return merged
  const places = merged.places.copy()
  const reporter = new Reporter(places)
  const entries: readonly unknown[] = Array.isArray(written) ? written : []
  if (entries.length === 0)
    reporter.report(['event_sources'], 'expected a list of entries such as `- type: http`, got none')
  const functions = [...Object.keys(mapping(others['functions'])), ...targetFunctions(written)]
  const out = new Expansion(others, places, functions)
  entries.forEach((entry, index) => {
    const at = ['event_sources', index]
    const type = mapping(entry)['type']
    const kind = typeof type === 'string' && Object.hasOwn(EVENT_SOURCES, type) ? EVENT_SOURCES[type] : undefined
    if (kind) kind.expand(String(type), mapping(entry), at, { out, reporter })
    else reporter.report([...at, 'type'], oneOf(Object.keys(EVENT_SOURCES), type))
  })
  return { ...merged, value: out.sections, places, problems: [...merged.problems, ...reporter.problems] }
}

/** Every `target_function` that `event_sources` names, in whatever list. */
export function targetFunctions(written: unknown): readonly string[] {
  const entries: readonly unknown[] = Array.isArray(written) ? written : []
  const items = entries.flatMap((entry) => Object.values(mapping(mapping(entry)['config'])).flat())
  return items.map((item) => mapping(item)['target_function']).filter((name) => typeof name === 'string')
}
