/** Makes grants of what a function is allowed: finds the folders and functions that it names. */

import { dirname, resolve } from 'node:path'
import { type AllowConfig, grantsOf } from '../pool/config.ts'
import type { Grants } from '../pool/pool.ts'
import { filterProblem } from '../router/address.ts'
import type { Disk } from './disk.ts'
import type { Names, Reporter } from './names.ts'
import type { Path } from './tree.ts'
import { findFunction } from './versions.ts'

/** What a configuration is read by. */
export interface Around {
  readonly names: Pick<Names, 'functions'>
  readonly reporter: Reporter
  readonly disk: Disk
}

/** Reports functions and folders that are not there, topic filters that are none, and two folders at one place. */
export function makeGrants(allow: AllowConfig, path: Path, { names, reporter, disk }: Around): Grants {
  for (const [at, name] of allow.call.entries())
    findFunction(name, [...path, 'call', at], 'function', { functions: names.functions, sinks: new Set() }, reporter)
  for (const how of ['publish', 'request'] as const)
    for (const [at, filter] of allow.messaging[how].entries()) {
      const problem = filterProblem(filter)
      if (problem !== undefined) reporter.report([...path, 'messaging', how, at], problem)
    }
  const grants = grantsOf(allow, (folder) => fileBeside([...path, 'dirs'], folder, reporter))
  for (const [at, { guest, host }] of grants.dirs.entries()) {
    const own: Path = [...path, 'dirs', at]
    if (grants.dirs.findIndex((one) => one.guest === guest) < at)
      reporter.report([...own, 'guest'], `"${guest}" is there twice`)
    if (!disk.folder(host))
      reporter.report([...own, 'host'], `there is no folder "${allow.dirs[at]?.host}"`, {
        suggestion: 'paths begin at the folder of this file',
      })
  }
  return grants
}

/** A path as it is meant where it stands: it begins at the folder of that file. */
export const fileBeside = (at: Path, path: string, { places }: Reporter): string =>
  resolve(dirname(places.nearest(at)?.place.source.file ?? '.'), path)
