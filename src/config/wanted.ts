/** The functions that routes want and a folder holds: entries that nobody has to write. */

import { readdirSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { compareVersions, newest, readVersioned } from '../schema/index.ts'
import { type Merged, unreadable } from './files.ts'
import { type FunctionFolder, mapping, type Names, namesOf } from './names.ts'
import { type Seen, see } from './seen.ts'
import type { Path } from './tree.ts'

/**
 * Lists `<name>.wasm`, `<name>@<version>.wasm`, and the same in a folder of the name. Throws a ConfigError when the folder
 * cannot be read. Notes each folder that it lists in `seen`.
 */
export function readFunctionFolder(path: string, seen?: Seen): FunctionFolder {
  see(seen, path)
  try {
    const entries = readdirSync(path, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1))
    const found = entries.flatMap((entry): string[] => {
      if (!entry.isDirectory()) return [entry.name]
      see(seen, join(path, entry.name))
      const own = readdirSync(join(path, entry.name)).filter((file) => isOf(entry.name, file))
      return own.toSorted().map((file) => join(entry.name, file))
    })
    const files = found.filter((file) => file.endsWith('.wasm'))
    return { path, files: new Map(files.map((file) => [basename(file, '.wasm'), resolve(path, file)])) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw unreadable(path, code === 'ENOENT' ? 'there is no such folder of functions' : `it cannot be read (${code})`)
  }
}

const isOf = (name: string, file: string): boolean => file === `${name}.wasm` || file.startsWith(`${name}@`)

/**
 * Adds an entry to `functions` for each target of a route or service that has none and that the folder holds. The
 * versions before it are loaded, too, and none of them is kept warm: what began with one ends with it. Each has the options
 * of the newest version that is written, if one is: a version that is deployed may what the one before it may. Only one
 * that comes after it, and is to get events, has its probe: what a version must do from now on says nothing of older ones,
 * and one of them that does not do it must not keep the next from starting.
 */
export function withFunctions(merged: Merged, { files }: FunctionFolder): Merged {
  const { functions, sinks } = merged.value
  if (functions !== undefined && mapping(functions) !== functions) return merged
  const made: Record<string, unknown> = { ...mapping(functions) }
  const places = merged.places.copy()
  const written = namesOf(merged.value).functions
  for (const { name, path } of wanted(merged.value)) {
    if (Object.hasOwn(mapping(sinks), name)) continue
    const found = places.nearest(path)
    const { of, options, probe } = optionsOf(readVersioned(name).name, mapping(functions))
    for (const { key, file, old, version } of entriesOf(name, written, files)) {
      // What one route wants is kept warm, also when to another it is an old version.
      if (Object.hasOwn(made, key) && old) continue
      const probed = !old && compareVersions(version, of) > 0
      const own = old ? { pool: idle(options['pool']) } : {}
      made[key] = { ...options, ...(probed && probe !== undefined && { probe }), wasm: file, ...own }
      if (!found) continue
      const place = { ...found.place, writtenAt: found.place.writtenAt ?? path }
      places.set(['functions', key], place)
      if (!places.at(['functions'])) places.set(['functions'], place)
    }
  }
  return Object.keys(made).length === 0 ? merged : { ...merged, value: { ...merged.value, functions: made }, places }
}

interface Written {
  /** The newest version of a function that is written. */
  readonly of: string | undefined
  /** What it says, but for what is of that version alone. */
  readonly options: Merged['value']
  readonly probe: unknown
}

function optionsOf(name: string, functions: Merged['value']): Written {
  const own = Object.entries(functions).map(([key, held]) => {
    const { version = mapping(held)['version'], ...read } = readVersioned(key)
    return { name: read.name, version: version === undefined ? undefined : String(version), options: mapping(held) }
  })
  const last = newest(own.filter((one) => one.name === name))
  const { approve: _, probe, version: __, ...options } = last?.options ?? {}
  return { of: last?.version, options, probe }
}

/** A pool that is kept warm at no time. */
function idle(pool: unknown): Merged['value'] {
  const { warm: _, ...others } = mapping(pool)
  return { ...others, min: 0 }
}

interface Entry {
  readonly key: string
  readonly file: string
  readonly version: string | undefined
  /** Of a version before the one that is wanted. */
  readonly old: boolean
}

/** The entries that one name wants: none when there is one that was written. */
function entriesOf(text: string, written: Names['functions'], files: FunctionFolder['files']): readonly Entry[] {
  const { name, version } = readVersioned(text)
  const held = written.get(name)
  if (held && (version === undefined || held.includes(version))) return []
  const own = [...files]
    .map(([key, file]) => ({ ...readVersioned(key), key, file }))
    .filter((one) => one.name === name && !held?.includes(one.version))
    .toSorted((left, right) => compareVersions(left.version, right.version))
  const at = own.findLastIndex((one) => version === undefined || one.version === version)
  // A file without a version beside others with one would be none of them.
  return own
    .slice(0, at + 1)
    .filter((one) => one.version !== undefined || own.length === 1)
    .map((one) => ({ key: one.key, file: one.file, version: one.version, old: one !== own[at] }))
}

interface Wanted {
  readonly name: string
  readonly path: Path
}

/** Every name that may be that of a function, as it was written. */
function wanted({ routes, services }: Merged['value']): readonly Wanted[] {
  const ofRoutes = Object.entries(mapping(routes)).flatMap(([route, config]) =>
    ['to', 'fallback'].flatMap((key) => targets(mapping(config)[key], ['routes', route, key])),
  )
  const ofServices = Object.entries(mapping(services)).flatMap(([service, functions]) =>
    Object.entries(mapping(functions)).flatMap(([as, name]) => targets(name, ['services', service, as])),
  )
  return [...ofRoutes, ...ofServices]
}

/** One target, a list of them, or weights by target. */
function targets(to: unknown, path: Path): readonly Wanted[] {
  if (Array.isArray(to)) return to.flatMap((one, at) => targets(one, [...path, at]))
  if (typeof to === 'string') return [{ name: to, path }]
  return Object.keys(mapping(to)).map((name) => ({ name, path: [...path, name] }))
}
