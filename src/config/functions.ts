/** Makes function specs of their configuration: files found beside the file that names them. */

import type { FunctionConfig } from '../pool/config.ts'
import type { FunctionSpec, WarmHint } from '../pool/pool.ts'
import { newest, readVersioned, type Versioned, versioned } from '../schema/index.ts'
import type { Disk } from './disk.ts'
import { type Around, fileBeside, makeGrants } from './grants.ts'
import { readPath } from './manifests/image.ts'
import type { Names, Reporter } from './names.ts'
import { type Bounded, underPolicy } from './policies.ts'
import { makeProbe } from './probe.ts'
import type { Sections } from './sections.ts'
import type { Path } from './tree.ts'

export interface Functions {
  readonly functions: readonly FunctionSpec[]
  /** Names of those that anyone may call by name: of each version, and without one if that is the newest. */
  readonly callable: readonly string[]
}

interface Entry extends Versioned {
  readonly key: string
  readonly config: FunctionConfig
}

/** A path alone is short for its options. Reports files that are not found, and names that stand for two. */
export function functionsOf(
  given: Pick<Sections, 'functions' | 'policies'>,
  names: Pick<Names, 'functions'>,
  reporter: Reporter,
  disk: Disk,
): Functions {
  const entries = Object.entries(given.functions).map(([key, config]): Entry => {
    const { name, version = config.version } = readVersioned(key)
    return { key, config, name, version }
  })
  for (const entry of entries) checkVersion(entry, entries, reporter)
  const functions = entries.map(({ config, key, name, version }) => {
    const path: Path = reporter.places.at(['functions', key, 'wasm']) ? ['functions', key, 'wasm'] : ['functions', key]
    const read = readPath(config.wasm, name)
    const wasm = fileBeside(path, 'wrong' in read ? config.wasm : read.wasm, reporter)
    const found = 'wrong' in read ? undefined : disk.file(wasm)
    const bounded = boundedOf(config, given.policies, ['functions', key], { names, reporter, disk })
    const entry = { key, ...(reporter.places.at(['functions', key, 'wasm']) ? {} : { wasm: config.wasm }) }
    if (found && 'file' in found) return specOf({ name, version, entry }, found.file, config, bounded)
    if ('wrong' in read) reporter.report(path, read.wrong, { suggestion: read.suggestion })
    else if (found) reporter.report(path, `"${config.wasm}" ${found.wrong}`)
    else
      reporter.report(path, `there is no file "${config.wasm}"`, {
        suggestion:
          'paths begin at the folder of this file; headgate function build <folder> builds a function of yours, npm run build:functions the examples',
      })
    return specOf({ name, version, entry }, wasm, config, bounded)
  })
  return { functions, callable: callableOf(entries) }
}

function checkVersion({ config, key, name, version }: Entry, entries: readonly Entry[], reporter: Reporter): void {
  const others = entries.filter((one) => one.name === name && one.key !== key)
  const path = ['functions', key]
  if (config.version !== undefined && config.version !== version)
    reporter.report([...path, 'version'], `"${key}" says version "${version}", and this says "${config.version}"`)
  else if (
    others.some((one) => one.version === version && entries.indexOf(one) < entries.findIndex((e) => e.key === key))
  )
    reporter.report(path, `"${versioned({ name, version })}" is there twice`, { on: 'key' })
  else if (version === undefined && others.length > 0)
    reporter.report(path, `"${name}" means the newest of ${others.map((one) => `"${versioned(one)}"`).join(', ')}`, {
      on: 'key',
      suggestion: `give this one a version, too, as in "${name}@1"`,
    })
}

function callableOf(entries: readonly Entry[]): readonly string[] {
  const names = new Set<string>()
  for (const { name } of entries) if (newest(entries.filter((one) => one.name === name))?.config.call) names.add(name)
  for (const entry of entries) if (entry.config.call) names.add(versioned(entry))
  return [...names]
}

/** What it may have, its policy considered. */
function boundedOf(config: FunctionConfig, policies: Sections['policies'], path: Path, around: Around): Bounded {
  const { names, reporter, disk } = around
  const grants = makeGrants(config.allow, [...path, 'allow'], { names, reporter, disk })
  const bounded = { env: config.env, grants, memoryBytes: config.memory, timeoutMs: config.timeout }
  if (config.policy === undefined) return bounded
  const policy = Object.hasOwn(policies, config.policy) ? policies[config.policy] : undefined
  if (typeof policy === 'object') return underPolicy(bounded, { name: config.policy, policy, path, reporter, disk })
  // One that is there and wrong is told to be so where it stands.
  if (reporter.places.at(['policies', config.policy])) return bounded
  const [at, known] = [[...path, 'policy'], Object.keys(policies)]
  if (known.length > 0) reporter.unknown(at, 'policy', config.policy, known)
  else
    reporter.report(at, `there is no policy "${config.policy}"`, {
      suggestion: `write policies: { ${config.policy}: ./${config.policy}.yaml }, the path of its file or of a ConfigMap that holds it`,
    })
  return bounded
}

function specOf(
  { name, version, entry }: Pick<FunctionSpec, 'name' | 'entry'> & Versioned,
  wasm: string,
  config: FunctionConfig,
  bounded: Bounded,
): FunctionSpec {
  return {
    name,
    ...(version === undefined ? {} : { version }),
    ...(entry === undefined ? {} : { entry }),
    wasm,
    min: config.pool.min,
    max: config.pool.max,
    idleMs: config.pool.idle,
    ...(config.pool.reuse ? { reuse: config.pool.reuse } : {}),
    ...(config.pool.warm ? { warm: config.pool.warm.map(hintOf) } : {}),
    ...bounded,
    ...(config.output === 'outcome' ? { output: config.output } : {}),
    record: { when: config.record.when, bytes: config.record.limit },
    ...(config.approve ? { approve: config.approve } : {}),
    ...(config.probe ? { probe: makeProbe(config.probe) } : {}),
  }
}

const hintOf = ({ for: forMs, ...hint }: NonNullable<FunctionConfig['pool']['warm']>[number]): WarmHint => ({
  ...hint,
  ...(forMs === undefined ? {} : { forMs }),
})
