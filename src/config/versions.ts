/** Finds the version of a function that a name stands for: the newest one, when it names none. */

import { compareVersions, readVersioned, type Versioned } from '../schema/index.ts'
import type { Names, Reporter } from './names.ts'
import type { Path } from './tree.ts'

/** Returns the one version that `name` or `name@version` stands for; reports a name or a version that is not there. */
export function findFunction(
  text: string,
  path: Path,
  what: 'function' | 'function or sink',
  { functions, sinks }: Pick<Names, 'functions' | 'sinks'>,
  reporter: Reporter,
): Versioned | undefined {
  const { name, version } = readVersioned(text)
  const versions = functions.get(name)
  const known = what === 'function' ? functions.keys() : [...functions.keys(), ...sinks]
  if (versions && version === undefined) return one(name, versions.at(-1))
  if (versions?.includes(version)) return one(name, version)
  const there = [...new Set([...(versions ?? []), ...reporter.held(name)])]
    .filter((each) => each !== undefined)
    .toSorted(compareVersions)
  if (versions === undefined && there.length === 0) return reporter.unknown(path, what, name, known)
  return reporter.report(path, `the function "${name}" has no version "${version}"`, {
    suggestion:
      there.length === 0
        ? `write "${name}", or give the function a version`
        : `there ${there.length === 1 ? 'is' : 'are'} ${there.map((each) => `"${name}@${each}"`).join(', ')}`,
  })
}

const one = (name: string, version: string | undefined): Versioned =>
  version === undefined ? { name } : { name, version }
