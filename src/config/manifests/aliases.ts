/** Keys under the names that the schema has for them: other systems write some of them differently. */

import type { Reporter } from '../names.ts'
import type { Path, Places } from '../tree.ts'

/** What others write, and what it is called here. */
export type Aliases = Readonly<Record<string, string>>

/** Returns a mapping under the names of the schema. Each key keeps its place; one that is there under two is reported. */
export function renamed(
  written: Readonly<Record<string, unknown>>,
  aliases: Aliases,
  at: Path,
  reporter: Reporter,
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(written).flatMap(([key, value]): [string, unknown][] => {
    const name = Object.hasOwn(aliases, key) ? (aliases[key] ?? key) : key
    if (name === key) return [[key, value]]
    if (Object.hasOwn(written, name)) {
      reporter.report([...at, key], `"${key}" and "${name}" are the same; write one of them`, { on: 'key' })
      return []
    }
    copyPlaces(value, [...at, key], [...at, name], reporter.places)
    return [[name, value]]
  })
  return Object.fromEntries(entries)
}

/** Gives a value, and each in it, the places that it has under another path. */
function copyPlaces(value: unknown, from: Path, to: Path, places: Places): void {
  const place = places.at(from)
  if (place) places.set(to, { ...place, writtenAt: from })
  if (typeof value !== 'object' || value === null) return
  for (const [key, one] of Object.entries(value)) copyPlaces(one, [...from, key], [...to, key], places)
}
