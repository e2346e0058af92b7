/** One manifest as a function: what it says is read, and what is wrong with it told. */

import type * as z from 'zod'
import { functionConfig } from '../../pool/config.ts'
import { traced } from '../event-sources/expansion.ts'
import { type Tools, usable } from '../event-sources/kind.ts'
import type { Manifest } from '../files.ts'
import { WASM_FUNCTION } from '../kubernetes.ts'
import { type FunctionFolder, mapping, type Reporter } from '../names.ts'
import { check } from '../report.ts'
import type { Path } from '../tree.ts'
import { renamed } from './aliases.ts'
import { variables, withoutReferences } from './environment.ts'
import { readImage } from './image.ts'
import { ALIASES, ELSEWHERE, metadata, PASSED_OVER, spec } from './spec.ts'

/** One with a mistake may lack anything. */
const usableSpec = spec.partial()

/** What can be used of a manifest. */
export interface Sound {
  readonly name: string
  readonly nameAt: Path
  /** With its place. */
  readonly version: { readonly text: string; readonly at: Path } | undefined
  readonly options: z.output<typeof usableSpec>
  readonly triggers: readonly unknown[]
  /** The path of the options: under `spec`, or the document itself. */
  readonly at: Path
}

/** What was passed over, as `file:line: what`, and the line. */
export interface Note {
  readonly line: number
  readonly text: string
}

interface Telling {
  readonly reporter: Reporter
  readonly notes: Note[]
}

const VERSION = 'app.kubernetes.io/version'

/** Reads a manifest; undefined when it has no name. */
export function readManifest({ value, at }: Manifest, telling: Telling): Sound | undefined {
  const { reporter } = telling
  const { apiVersion: _, kind: __, metadata: about, spec: inner, status, ...flat } = mapping(value)
  const report = reporter.problems.push.bind(reporter.problems)
  const named = check(metadata, about, [...at, 'metadata'], reporter.places, report) ?? usable(metadata, mapping(about))
  if (inner !== undefined)
    for (const key of Object.keys(flat))
      reporter.report([...at, key], `"${key}" stands beside spec`, { on: 'key', suggestion: 'move it under spec' })
  const base = inner === undefined ? at : [...at, 'spec']
  const options = readSpec(inner === undefined ? flat : inner, base, telling, named?.name)
  if (status !== undefined) note([...at, 'status'], 'status', named?.name, 'Kubernetes writes it', telling)
  if (!named) return undefined
  const text = named.labels?.[VERSION]
  return {
    name: named.name,
    nameAt: [...at, 'metadata', 'name'],
    version: text === undefined ? undefined : { text, at: [...at, 'metadata', 'labels', VERSION] },
    options,
    triggers: options.triggers ?? [],
    at: base,
  }
}

function readSpec(written: unknown, at: Path, telling: Telling, name = ''): Sound['options'] {
  const { reporter } = telling
  const own = renamed(mapping(written), ALIASES, at, reporter)
  const known = Object.entries(own).flatMap(([key, value]): [string, unknown][] => {
    const instead = Object.hasOwn(ELSEWHERE, key) ? ELSEWHERE[key] : undefined
    if (instead !== undefined) {
      reporter.report([...at, key], `"${key}" is not known here`, { on: 'key', suggestion: instead })
      return []
    }
    if (key === 'environment') return [[key, withoutReferences(value, [...at, key], reporter)]]
    return [[key, key === 'resources' ? withoutShares(value, [...at, key], telling, name) : value]]
  })
  const given = Object.fromEntries(known)
  const report = reporter.problems.push.bind(reporter.problems)
  const checked = mapping(written) === written ? given : written
  const all = check(spec, checked, at, reporter.places, report)
  // Without its image the rest is still of use: for the problems in it.
  return all ?? usable(usableSpec, given) ?? {}
}

/** Leaves out what says how much of a machine a function gets, with a note. */
function withoutShares(written: unknown, at: Path, telling: Telling, name: string): unknown {
  const { requests, ...others } = mapping(written)
  if (mapping(written) !== written) return written
  if (requests !== undefined) note([...at, 'requests'], 'resources.requests', name, PASSED_OVER.requests, telling)
  const { cpu, ...limits } = mapping(others['limits'])
  if (cpu === undefined) return others
  note([...at, 'limits', 'cpu'], 'resources.limits.cpu', name, PASSED_OVER.cpu, telling)
  return { ...others, limits }
}

function note(path: Path, what: string, name: string | undefined, why: string, { reporter, notes }: Telling): void {
  const { file, line } = reporter.places.problem(path, '', { on: 'key' })
  notes.push({ line, text: `${file}:${line}: passed over: ${what} of ${WASM_FUNCTION} "${name ?? ''}": ${why}` })
}

/** Adds the function. Returns whether it was added: not when there is one of that name. */
export function addFunction(sound: Sound, { out, reporter }: Tools, folder: FunctionFolder | undefined): boolean {
  const { name, nameAt, options, at } = sound
  const held = mapping(out.sections['functions'])
  if (Object.hasOwn(held, name)) {
    const first = reporter.places.problem(['functions', name], '', { on: 'key' })
    reporter.report(nameAt, `the function "${name}" is defined twice, first in ${first.file}:${first.line}`)
    return false
  }
  const { approve, image, timeout, environment, resources } = options
  const option = (value: unknown, ...keys: string[]) =>
    value === undefined ? undefined : traced(value, [...at, ...keys])
  const file = image === undefined ? missing(sound, reporter) : found(image, sound, reporter, folder)
  const memory = resources?.limits?.memory
  out.put('functions', name, nameAt, {
    // One that is wrong is told already, at the same place: what is said of this file then is not told again.
    wasm: option(file?.wasm ?? `${name}.wasm`, 'image'),
    version: versionOf(sound, file?.version, reporter),
    pool: poolOf(sound, reporter),
    timeout: option(timeout, 'timeout'),
    memory: option(memory, 'resources', 'limits', 'memory'),
    approve: option(approve, 'approve'),
    env: environment && traced(variables(environment, [...at, 'environment'], reporter), [...at, 'environment']),
  })
  return true
}

/** Gives what is missing the place at which it is told to be: that of what holds it, or of a misspelt one. */
function missing({ at }: Sound, { places, problems }: Reporter): undefined {
  const within = `${at.join('.')}.`
  const misspelt = problems.find(
    ({ path, suggestion }) => path.startsWith(within) && suggestion === 'did you mean "image"?',
  )
  const path = [...at, misspelt ? misspelt.path.slice(within.length) : 'image']
  const { place } = places.nearest(path) ?? {}
  if (place) places.set([...at, 'image'], { ...place, value: place.key, writtenAt: path })
}

function found(image: string, { name, at }: Sound, reporter: Reporter, folder: FunctionFolder | undefined) {
  const read = readImage(image, name, folder)
  if (!('wrong' in read)) return read
  return reporter.report([...at, 'image'], read.wrong, { suggestion: read.suggestion })
}

/** What the label says, or the name of the file. */
function versionOf({ at, version }: Sound, ofFile: string | undefined, reporter: Reporter) {
  if (version && ofFile !== undefined && version.text !== ofFile)
    reporter.report(version.at, `the label says version "${version.text}", and the image is version "${ofFile}"`)
  return version ? traced(version.text, version.at) : ofFile && traced(ofFile, [...at, 'image'])
}

function poolOf({ at, options: { maxReplicas, minReplicas } }: Sound, reporter: Reporter) {
  if (minReplicas === undefined && maxReplicas === undefined) return undefined
  const most = maxReplicas ?? functionConfig.parse('any.wasm').pool.max
  const wrong = `${minReplicas} is more than maxReplicas, which is ${most}${maxReplicas === undefined ? ' when it is not given' : ''}`
  if (minReplicas !== undefined && minReplicas > most) return reporter.report([...at, 'minReplicas'], wrong)
  return {
    min: minReplicas === undefined ? undefined : traced(minReplicas, [...at, 'minReplicas']),
    max: maxReplicas === undefined ? undefined : traced(maxReplicas, [...at, 'maxReplicas']),
  }
}
