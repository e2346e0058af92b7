/** Makes function specs of their configuration: files found beside the file that names them. */

import type { FunctionConfig } from '../pool/config.ts'
import type { FunctionSpec, Grants, WarmHint } from '../pool/pool.ts'
import { newest, readVersioned, type Versioned, versioned } from '../schema/index.ts'
import type { Disk } from './disk.ts'
import { fileBeside, makeGrants } from './grants.ts'
import type { Names, Reporter } from './names.ts'
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
  given: Sections['functions'],
  names: Pick<Names, 'functions'>,
  reporter: Reporter,
  disk: Disk,
): Functions {
  const entries = Object.entries(given).map(([key, config]): Entry => {
    const { name, version = config.version } = readVersioned(key)
    return { key, config, name, version }
  })
  for (const entry of entries) checkVersion(entry, entries, reporter)
  const functions = entries.map(({ config, key, name, version }) => {
    const path: Path = reporter.places.at(['functions', key, 'wasm']) ? ['functions', key, 'wasm'] : ['functions', key]
    const wasm = fileBeside(path, config.wasm, reporter)
    const found = disk.file(wasm)
    const grants = makeGrants(config.allow, ['functions', key, 'allow'], { names, reporter, disk })
    if (found && 'file' in found) return specOf({ name, version, grants }, found.file, config)
    if (found) reporter.report(path, `"${config.wasm}" ${found.wrong}`)
    else
      reporter.report(path, `there is no file "${config.wasm}"`, {
        suggestion: 'paths begin at the folder of this file; npm run build:functions builds the examples',
      })
    return specOf({ name, version, grants }, wasm, config)
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

function specOf(
  { name, version, grants }: Pick<Entry, 'name' | 'version'> & { readonly grants: Grants },
  wasm: string,
  config: FunctionConfig,
): FunctionSpec {
  return {
    name,
    ...(version === undefined ? {} : { version }),
    wasm,
    min: config.pool.min,
    max: config.pool.max,
    idleMs: config.pool.idle,
    ...(config.pool.reuse ? { reuse: config.pool.reuse } : {}),
    ...(config.pool.warm ? { warm: config.pool.warm.map(hintOf) } : {}),
    timeoutMs: config.timeout,
    memoryBytes: config.memory,
    env: config.env,
    grants,
    ...(config.output === 'outcome' ? { output: config.output } : {}),
    ...(config.approve ? { approve: config.approve } : {}),
    ...(config.probe ? { probe: makeProbe(config.probe) } : {}),
  }
}

const hintOf = ({ for: forMs, ...hint }: NonNullable<FunctionConfig['pool']['warm']>[number]): WarmHint => ({
  ...hint,
  ...(forMs === undefined ? {} : { forMs }),
})
