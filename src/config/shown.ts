/** Configurations as they may be printed: with the names of variables, and never what they stand for. */

import { Document } from 'yaml'
import type { ZodType } from 'zod'
import { HIDDEN, hideSecrets } from '../schema/index.ts'
import type { Merged } from './files.ts'
import type { Hidden } from './interpolate.ts'
import { masked } from './problem.ts'
import { named, type Path, type Places } from './tree.ts'

/** What an `event_sources` document stands for, with no default filled in. */
export interface Expanded {
  readonly value: unknown
  readonly yaml: string
}

/** Returns the sections as they may be printed: variables by their names, secrets hidden. */
export function expandedForm({ value, places }: Pick<Merged, 'value' | 'places'>, schema: ZodType): Expanded {
  const shown = copy(value, hideSecrets(schema, value), [], places)
  const document = new Document(shown, { aliasDuplicateObjects: false })
  return { value: shown, yaml: document.toString({ lineWidth: 120 }) }
}

/**
 * Puts the names of variables in the place of what they stood for, in the long form of a configuration: its texts stand
 * at other paths than those they were made of, so each entry knows the variables of the whole entry.
 */
export function withNames(expanded: Readonly<Record<string, unknown>>, places: Places): Record<string, unknown> {
  const hidden = new Map<string, Hidden[]>()
  for (const { path, hidden: found } of places.hidden()) {
    const key = entry(path)
    hidden.set(key, [...(hidden.get(key) ?? []), ...found])
  }
  return hidden.size === 0 ? expanded : rename(expanded, [], hidden)
}

const entry = ([section = '', name = '']: Path): string => JSON.stringify([section, name].map(String))

function rename<T>(value: T, path: Path, hidden: ReadonlyMap<string, readonly Hidden[]>): T
function rename(value: unknown, path: Path, hidden: ReadonlyMap<string, readonly Hidden[]>): unknown {
  if (typeof value === 'string') return named(value, hidden.get(entry(path)) ?? [])
  if (Array.isArray(value)) return value.map((one, at) => rename(one, [...path, at], hidden))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, rename(one, [...path, key], hidden)]))
}

function copy(value: unknown, hidden: unknown, path: Path, places: Places): unknown {
  if (typeof value === 'string') return text(value, hidden === HIDDEN, path, places)
  if (typeof value !== 'object' || value === null || hidden === HIDDEN) return hidden
  const inner = (key: string | number, one: unknown) =>
    copy(one, (hidden as Readonly<Record<string | number, unknown>>)[key], [...path, key], places)
  if (Array.isArray(value)) return value.map((one, at) => inner(at, one))
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inner(key, one)]))
}

function text(value: string, isSecret: boolean, path: Path, places: Places): string {
  const shown = places.named(path, value)
  // The connector that will take it may not be there yet to say that it is a secret.
  const secret = isSecret || places.at(path)?.writtenAt?.at(-1) === 'connection_string'
  // A variable's name says nothing of what it stands for.
  return secret && !/^\$\{[^}]*\}$/.test(shown) ? HIDDEN : masked(shown)
}
