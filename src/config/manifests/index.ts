/** Manifests: documents of the kind WasmFunction, as functions, sources, sinks and routes. */

import { Expansion } from '../event-sources/expansion.ts'
import { targetFunctions } from '../event-sources/index.ts'
import type { Merged } from '../files.ts'
import { type FunctionFolder, mapping, Reporter } from '../names.ts'
import { addFunction, type Note, readManifest } from './function.ts'
import { metadata, spec } from './spec.ts'
import { TRIGGERS } from './triggers/index.ts'
import { addTriggers, triggerEntry } from './triggers/read.ts'

/** The parts of a manifest, for the reference. */
export const MANIFEST = { metadata, spec, trigger: triggerEntry, triggers: TRIGGERS }

/**
 * Puts what the manifests stand for beside what is there. Changes nothing that it is given. What is expanded has the
 * places of what it was made of, so that every later problem points there; what is wrong with a manifest itself is
 * among the problems, and what is passed over of it among the notes. An `image` may be a name in `folder`.
 */
export function expandManifests(merged: Merged, folder?: FunctionFolder): Merged {
  if (merged.manifests.length === 0) return merged
  const places = merged.places.copy()
  const reporter = new Reporter(places, folder)
  const notes: Note[] = []
  const read = merged.manifests.flatMap((manifest) => readManifest(manifest, { reporter, notes }) ?? [])
  const names = [
    ...Object.keys(mapping(merged.value['functions'])),
    ...targetFunctions(merged.value['event_sources']),
    ...read.map(({ name }) => name),
  ]
  const out = new Expansion(merged.value, places, names)
  const types = Object.entries(TRIGGERS).map(([type, one]) => [type, one.open({ out, reporter })] as const)
  for (const one of read) if (addFunction(one, { out, reporter }, folder)) addTriggers(one, new Map(types), reporter)
  for (const [, type] of types) type.expand()
  return {
    ...merged,
    value: out.sections,
    places,
    problems: [...merged.problems, ...reporter.problems],
    manifests: [],
    notes: [...merged.notes, ...notes.toSorted((a, b) => a.line - b.line).map(({ text }) => text)],
  }
}
