/** Policies that stand in files of their own, which a configuration names. */

import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { readDocuments } from './document.ts'
import type { Merged } from './files.ts'
import type { Environment } from './interpolate.ts'
import { mapping } from './names.ts'
import { see } from './seen.ts'
import type { Read } from './tree.ts'

/** Puts the policy that a file holds in the place of the file's path. */
export function withPolicyFiles(merged: Merged, environment: Environment): Merged {
  const written = Object.entries(mapping(merged.value['policies']))
  const paths = written.filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  if (paths.length === 0) return merged
  const places = merged.places.copy()
  const problems = [...merged.problems]
  const policies: Record<string, unknown> = { ...mapping(merged.value['policies']) }
  for (const [name, path] of paths) {
    const at = ['policies', name]
    const file = resolve(dirname(places.nearest(at)?.place.source.file ?? '.'), path)
    const found = policyIn(file, name, environment)
    if ('wrong' in found) problems.push(places.problem(at, `"${path}" ${found.wrong}`))
    else {
      policies[name] = found.value
      places.adopt(found.places, at)
      problems.push(...found.problems)
    }
  }
  return { ...merged, value: { ...merged.value, policies }, places, problems }
}

/** The policy of this name that a file holds, or the only one in it. */
function policyIn(file: string, name: string, environment: Environment): Read | { readonly wrong: string } {
  let text: string
  see(environment.seen, file)
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return { wrong: code === 'ENOENT' ? 'is a file that is not there' : `cannot be read (${code})` }
  }
  const { reads } = readDocuments(text, file, environment)
  const held = reads.flatMap((read) =>
    Object.entries(mapping(mapping(read.value)['policies']))
      .filter(([, value]) => typeof value === 'object')
      .map((one) => ({ read, one })),
  )
  const [only, second] = held
  const found = held.find(({ one }) => one[0] === name) ?? (second ? undefined : only)
  const broken = reads.find(({ problems }) => problems.length > 0)
  if (!found && broken) return broken
  if (!found) {
    const there = held.map(({ one }) => one[0]).join(', ')
    return { wrong: there === '' ? 'holds no policy' : `holds no policy "${name}"; it holds ${there}` }
  }
  return {
    value: found.one[1],
    places: found.read.places.below(['policies', found.one[0]]),
    problems: found.read.problems,
  }
}
