/** Policies in what was read: bare, several by name, or as Kubernetes ConfigMaps hold them. */

import { basename } from 'node:path'
import { POLICY_KEYS } from '../pool/config.ts'
import { mapping } from './names.ts'
import type { Problem } from './problem.ts'
import { Places, type Read } from './tree.ts'

/** A document that is a policy, or holds nothing but policies by name: as `policies` of a configuration. */
export function asPolicies(read: Read, file: string): Read {
  const value = mapping(read.value)
  if (isPolicy(value)) return nested(read, ['policies', basename(file).replace(/\.(ya?ml|json)$/, '')])
  const named = Object.values(value)
  return named.length > 0 && named.every(isPolicy) ? nested(read, ['policies']) : read
}

/** Whether one of the keys is one that policies have. */
const isPolicy = (value: unknown): boolean => Object.keys(mapping(value)).some((key) => POLICY_KEYS.has(key))

/** The same below a path. */
export function nested(read: Read, path: readonly string[]): Read {
  const places = new Places()
  places.adopt(read.places, path)
  const root = read.places.at([])
  for (let length = 0; root && length < path.length; length++) places.set(path.slice(0, length), root)
  const value = path.reduceRight<unknown>((held, key) => ({ [key]: held }), read.value)
  const below = (problem: Problem): Problem => ({ ...problem, path: [...path, problem.path].filter(Boolean).join('.') })
  return { value, places, problems: read.problems.map(below) }
}

/** What texts of a ConfigMap hold of policies, each by its key; one whose keys are those of a policy is one itself. */
export function policiesOf(name: string, texts: readonly { readonly key: string; readonly read: Read }[]): Read {
  const policies: Record<string, unknown> = {}
  const places = new Places()
  const problems: Problem[] = []
  for (const { key, read } of texts) {
    const own = POLICY_KEYS.has(key) ? nested(read, ['policies', name, key]) : asPolicies(inner(read), key)
    for (const [each, held] of Object.entries(mapping(mapping(own.value)['policies'])))
      policies[each] = { ...mapping(policies[each]), ...mapping(held) }
    places.adopt(own.places)
    problems.push(...own.problems)
  }
  return { value: { policies }, places, problems }
}

/** A text may begin with `policies:`, as a configuration does. */
function inner(read: Read): Read {
  const { policies } = mapping(read.value)
  return policies === undefined ? read : { ...read, value: policies, places: read.places.below(['policies']) }
}
