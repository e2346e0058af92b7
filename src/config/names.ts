/** Settles what the names in a configuration stand for, and reports those that stand for nothing. */

import { compareVersions, nearest, readVersioned } from '../schema/index.ts'
import type { Problem } from './problem.ts'
import type { Path, Places } from './tree.ts'

/** A folder of functions. */
export interface FunctionFolder {
  readonly path: string
  /** File by name. */
  readonly files: ReadonlyMap<string, string>
}

/** Collects problems at paths of a configuration. */
export class Reporter {
  readonly problems: Problem[] = []
  readonly places: Places
  /** Where functions are looked for that no entry names. */
  readonly #folder: FunctionFolder | undefined

  constructor(places: Places, folder?: FunctionFolder) {
    this.places = places
    this.#folder = folder
  }

  /** Notes a problem; `on` as in `Places.problem`. */
  report(path: Path, message: string, given: { on?: 'key' | 'value' | number; suggestion?: string } = {}): undefined {
    this.problems.push(this.places.problem(path, message, given))
    return undefined
  }

  /** Notes that a name stands for nothing, with the nearest that does. */
  unknown(path: Path, what: string, name: string, known: Iterable<string>): undefined {
    const isFunction = what.startsWith('function')
    const names = [...new Set([...known, ...(isFunction ? (this.#folder?.files.keys() ?? []) : [])])]
    const close = nearest(name, names)
    const there = names.length === 0 ? 'there is none yet' : `there are ${names.slice(0, 20).join(', ')}`
    return this.report(path, `there is no ${what} "${name}"`, {
      suggestion: close ? `did you mean "${close}"?` : isFunction ? `${this.#lookedFor(name)}; ${there}` : there,
    })
  }

  /** The versions of a function that the folder holds. */
  held(name: string): readonly string[] {
    const own = [...(this.#folder?.files.keys() ?? [])].map(readVersioned).filter((one) => one.name === name)
    return own.flatMap(({ version }) => version ?? [])
  }

  #lookedFor(name: string): string {
    return this.#folder === undefined
      ? `--functions <folder> says where "${name}.wasm" lies`
      : `the folder "${this.#folder.path}" holds no "${name}.wasm"`
  }
}

/** What each name is, as far as targets go. */
export interface Names {
  readonly sources: ReadonlySet<string>
  readonly sinks: ReadonlySet<string>
  /** With the versions that there are of each, the newest last; one that has none is undefined. */
  readonly functions: ReadonlyMap<string, readonly (string | undefined)[]>
}

/** Returns the names that a configuration gives, as it was written: also when other parts of it are wrong. */
export function namesOf(value: unknown): Names {
  const keys = (section: string): string[] => Object.keys(mapping(mapping(value)[section]))
  const option = (held: unknown): string | undefined => {
    const written = mapping(held)['version']
    return written === undefined ? undefined : String(written)
  }
  const functions = new Map<string, (string | undefined)[]>()
  for (const [key, held] of Object.entries(mapping(mapping(value)['functions']))) {
    const { name, version = option(held) } = readVersioned(key)
    functions.set(name, [...(functions.get(name) ?? []), version].toSorted(compareVersions))
  }
  return { sources: new Set(keys('sources')), sinks: new Set(keys('sinks')), functions }
}

/** A value as a mapping; an empty one when it is something else. */
export const mapping = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}

/** Reports names that would mean two things. */
export function checkNames(names: Names, reserved: readonly string[], reporter: Reporter): void {
  for (const name of names.sources)
    if (reserved.includes(name))
      reporter.report(['sources', name], `"${name}" means something else`, {
        on: 'key',
        suggestion: 'choose another name',
      })
  for (const name of names.sinks)
    if (names.functions.has(name))
      reporter.report(['sinks', name], `"${name}" is a function, too; a target must be one thing`, { on: 'key' })
}
