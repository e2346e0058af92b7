/** The functions that routes want and a folder holds: entries that nobody has to write. */

import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Merged, unreadable } from './files.ts'
import { type FunctionFolder, mapping } from './names.ts'
import type { Path } from './tree.ts'

/** Lists `<name>.wasm` and `<name>/<name>.wasm` of a folder. Throws a ConfigError when it cannot be read. */
export function readFunctionFolder(path: string): FunctionFolder {
  try {
    const entries = readdirSync(path, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1))
    const found = entries.flatMap((entry): [string, string][] => {
      if (!entry.isDirectory()) return entry.name.endsWith('.wasm') ? [[entry.name.slice(0, -5), entry.name]] : []
      const inside = join(entry.name, `${entry.name}.wasm`)
      return existsSync(join(path, inside)) ? [[entry.name, inside]] : []
    })
    return { path, files: new Map(found.map(([name, file]) => [name, resolve(path, file)])) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw unreadable(path, code === 'ENOENT' ? 'there is no such folder of functions' : `it cannot be read (${code})`)
  }
}

/** Adds an entry to `functions` for each target of a route or service that has none and that the folder holds. */
export function withFunctions(merged: Merged, { files }: FunctionFolder): Merged {
  const { functions, sinks } = merged.value
  if (functions !== undefined && mapping(functions) !== functions) return merged
  const made: Record<string, unknown> = { ...mapping(functions) }
  const places = merged.places.copy()
  for (const { name, path } of wanted(merged.value)) {
    const file = files.get(name)
    if (file === undefined || Object.hasOwn(made, name) || Object.hasOwn(mapping(sinks), name)) continue
    made[name] = file
    const found = places.nearest(path)
    if (!found) continue
    const place = { ...found.place, writtenAt: found.place.writtenAt ?? path }
    places.set(['functions', name], place)
    if (!places.at(['functions'])) places.set(['functions'], place)
  }
  return Object.keys(made).length === 0 ? merged : { ...merged, value: { ...merged.value, functions: made }, places }
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
