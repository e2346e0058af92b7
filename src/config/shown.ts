/** The expansion of an `event_sources` document as text: what it stands for, with no default filled in. */

import { Document } from 'yaml'
import type { ZodType } from 'zod'
import { HIDDEN, hideSecrets } from '../schema/index.ts'
import type { Merged } from './files.ts'
import { masked } from './problem.ts'
import type { Path, Places } from './tree.ts'

export interface Expanded {
  readonly value: unknown
  readonly yaml: string
}

/** Returns the sections as they may be printed: variables by their names, secrets hidden. */
export function expandedForm({ value, places }: Pick<Merged, 'value' | 'places'>, schema: ZodType): Expanded {
  const shown = copy(hideSecrets(schema, value), [], places)
  const document = new Document(shown, { aliasDuplicateObjects: false })
  return { value: shown, yaml: document.toString({ lineWidth: 120 }) }
}

function copy(value: unknown, path: Path, places: Places): unknown {
  if (typeof value === 'string') return text(value, path, places)
  if (Array.isArray(value)) return value.map((one, at) => copy(one, [...path, at], places))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, copy(one, [...path, key], places)]))
}

function text(value: string, path: Path, places: Places): string {
  const named = places.named(path, value)
  // The connector that will take it may not be there yet to say that it is a secret.
  const secret = places.at(path)?.writtenAt?.at(-1) === 'connection_string'
  return secret && !/^\$\{[^}]*\}$/.test(named) ? HIDDEN : masked(named)
}
