/** Loads a configuration: reads, merges, checks, settles names. Everything wrong is told at once. */

import { relative, resolve } from 'node:path'
import type { Connector } from '../connector/connector.ts'
import { RESERVED } from '../router/address.ts'
import { type RouteConfig, routeConfig } from '../router/config.ts'
import { type As, namingProblems } from '../router/naming.ts'
import { secretsIn, versioned } from '../schema/index.ts'
import type { Config, Instance } from './config.ts'
import { ANY_DISK, DISK, type Disk, diskSeen } from './disk.ts'
import { expandEventSources } from './event-sources/index.ts'
import { expanded } from './expand.ts'
import { type FileText, type Merged, mergeFiles, readFiles } from './files.ts'
import { functionsOf } from './functions.ts'
import type { Environment } from './interpolate.ts'
import { expandManifests } from './manifests/index.ts'
import { checkNames, type FunctionFolder, mapping, namesOf, Reporter } from './names.ts'
import { withPolicyFiles } from './policy-files.ts'
import { ConfigError, type Problem } from './problem.ts'
import { check } from './report.ts'
import { makeRoutes } from './routes.ts'
import { configSchema, type Sections } from './sections.ts'
import type { Seen } from './seen.ts'
import { makeServices } from './services.ts'
import { type Expanded, expandedForm, withNames } from './shown.ts'
import { makeTests, readTests, type TestText } from './test-files.ts'
import { hiddenIn, routeTests } from './tests.ts'
import { told } from './told.ts'
import { readFunctionFolder, withFunctions } from './wanted.ts'

export interface LoadOptions {
  readonly connectors: readonly Connector[]
  /** What `${NAME}` stands for; the environment of the process when absent. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The folder of functions that routes want and no entry names: `<name>.wasm` or `<name>@<version>.wasm`, there or in a folder `<name>`. */
  readonly functions?: string
  /** Whether the `*.test.yaml` beside the configuration are read, too. */
  readonly tests?: boolean
  /** Told of each document that is passed over, as `file:line: what`. */
  readonly note?: (text: string) => void
  /** Notes what each file and folder was just before it was read, also when what they hold is refused. */
  readonly seen?: Seen | undefined
}

/**
 * Reads a file or a folder. A function's file that is not there is a mistake, too.
 *
 * Rejects with a ConfigError that holds every problem found.
 */
export async function loadConfig(path: string, options: LoadOptions): Promise<Config> {
  const form = readForm(await readFiles(shownPath(path), options.seen), options)
  return build(form, options, diskSeen(DISK, options.seen), options.tests ? await readTests(shownPath(path)) : [])
}

/** Reads a text as if it stood in `file`; looks at no file but those that `${file:...}` and `policies` name. Throws a ConfigError. */
export function parseConfig(text: string, file: string, options: LoadOptions): Config {
  return build(readForm([{ file, text }], options), options, ANY_DISK)
}

/**
 * Returns what manifests and a configuration in the `event_sources` form stand for, as it would be written, also when
 * there are mistakes in it; secrets are hidden. Undefined when there are neither. Rejects when it cannot be read.
 */
export async function expandForm(path: string, options: LoadOptions): Promise<Expanded | undefined> {
  const merged = mergeFiles(await readFiles(shownPath(path)), environmentOf(options))
  if (!Object.hasOwn(merged.value, 'event_sources') && merged.manifests.length === 0) return undefined
  return expandedForm(expandForms(merged, folderOf(options)), configSchema(options.connectors))
}

const environmentOf = ({ env = process.env, seen }: LoadOptions): Environment => ({ env, seen })

/** The path as mistakes name it. */
function shownPath(path: string): string {
  const shown = relative(process.cwd(), resolve(path))
  return shown.startsWith('..') || shown === '' ? path : shown
}

interface Form extends Merged {
  readonly folder: FunctionFolder | undefined
}

const folderOf = (options: LoadOptions): FunctionFolder | undefined =>
  options.functions === undefined ? undefined : readFunctionFolder(options.functions, options.seen)

/** Puts what manifests and `event_sources` stand for in their place. */
const expandForms = (merged: Merged, folder: FunctionFolder | undefined): Merged =>
  expandEventSources(expandManifests(merged, folder))

/** Reads and merges; expands other forms, and adds the functions that are found in a folder. */
function readForm(files: readonly FileText[], options: LoadOptions): Form {
  const environment = environmentOf(options)
  const merged = withPolicyFiles(mergeFiles(files, environment), environment)
  // What is no YAML says nothing about the rest: more problems would be echoes of the first.
  const unread = merged.problems.some(({ path }) => path === '')
  const folder = unread ? undefined : folderOf(options)
  const form = unread ? merged : expandForms(merged, folder)
  form.notes.forEach((text) => {
    options.note?.(text)
  })
  if (unread) throw new ConfigError(merged.problems)
  return { ...(folder ? withFunctions(form, folder) : form), folder }
}

function build(
  form: Form,
  { connectors, env = process.env }: LoadOptions,
  disk: Disk,
  files: readonly TestText[] = [],
): Config {
  const { value, places } = form
  const reporter = new Reporter(places, form.folder)
  const sections = checkSections(value, connectors, reporter)
  const names = namesOf(value)
  checkNames(names, RESERVED, reporter)
  const { functions, callable } = functionsOf({ functions: {}, policies: {}, ...sections }, names, reporter, disk)
  const services = makeServices(sections.services ?? {}, names, new Set(callable), reporter)
  const instances = (section: 'sources' | 'sinks'): readonly Instance[] =>
    Object.entries(sections[section] ?? {}).flatMap(([name, held]) => instance(section, name, held, reporter))
  const sources = instances('sources')
  const sinks = instances('sinks')
  const routes = makeRoutes(sections.routes ?? {}, names, reporter)
  const tested = {
    routes,
    sources,
    functions: [...new Set(functions.flatMap((spec) => [spec.name, versioned(spec)]))],
    hidden: hiddenIn(places),
  }
  const beside = files.map((file) => makeTests(file, { env }, tested))
  const tests = [...routeTests(sections.routes ?? {}, tested, reporter), ...beside.flatMap((one) => one.tests)]
  const problems = [
    ...form.problems,
    ...beyond(form.problems, reporter.problems),
    ...beside.flatMap((one) => one.problems),
  ]
  if (problems.length > 0) throw refusal(problems)
  const { name, broker, admin, log, journal, stores } = sections as Sections
  const http: unknown = mapping(sections)['http']
  const config = { name, broker, http, admin, log, journal, stores, sources, sinks, functions }
  const secrets = secretsIn(configSchema(connectors), value)
  return {
    ...config,
    callable,
    services,
    routes,
    tests,
    secrets,
    expanded: withNames(expanded(value, connectors, { functions, routes }), places),
  }
}

/** Checks the whole; when something is wrong, what is sound is still returned, so that its names are checked, too. */
function checkSections(
  value: Merged['value'],
  connectors: readonly Connector[],
  reporter: Reporter,
): Partial<Sections> {
  const schema = configSchema(connectors)
  const report = (problem: Problem): void => void reporter.problems.push(problem)
  const whole = check(schema, value, [], reporter.places, report)
  if (whole) return whole
  const sound: Record<string, unknown> = {}
  for (const [key, part] of Object.entries(schema.shape)) {
    if (!NAMED.has(key)) continue
    const held: Record<string, unknown> = {}
    for (const [name, entry] of Object.entries(mapping(value[key]))) {
      const one = part.safeParse({ [name]: entry })
      if (one.success) Object.assign(held, one.data)
      else if (key === 'routes') held[name] = soundRoute(entry)
    }
    sound[key] = held
  }
  return sound as Partial<Sections>
}

const NAMED = new Set(['sources', 'sinks', 'functions', 'policies', 'services', 'routes'])

/** What can be used of a route that has a mistake. */
function soundRoute(entry: unknown): RouteConfig {
  const usable = Object.entries(routeConfig.shape)
    .map(([key, schema]) => [key, schema.safeParse(mapping(entry)[key])] as const)
    .filter(([, parsed]) => parsed.success)
    .map(([key, parsed]) => [key, parsed.data])
  return { ...routeConfig.parse({ from: 'any', to: 'any' }), from: [], to: [], ...Object.fromEntries(usable) }
}

function instance(
  section: string,
  name: string,
  held: Readonly<Record<string, unknown>>,
  reporter: Reporter,
): Instance[] {
  const { as, ...technologies } = held
  const given = Object.entries(technologies).filter(([, config]) => config !== undefined)
  const [first, second] = given
  if (!first || second) {
    const which = second ? `${given.map(([type]) => type).join(' and ')}` : 'nothing'
    reporter.report([section, name], `expected one technology, such as cron, got ${which}`, { on: 'key' })
    return []
  }
  const made = { name, type: first[0], config: first[1] }
  return as === undefined ? [made] : [{ ...made, as: readAs(as as As, [section, name, 'as'], reporter) }]
}

/** Reports what is wrong with the names that a source gives. */
function readAs(as: As, path: readonly string[], reporter: Reporter): As {
  for (const { attribute, offset, message } of namingProblems(as))
    reporter.report([...path, attribute], message, { on: offset ?? 'key' })
  return as
}

function refusal(found: readonly Problem[]): ConfigError {
  const { problems, more } = told(inOrder(found))
  return new ConfigError(problems, more)
}

/** Without those of a value that could not be read, as of a variable that is not set: they follow from that. */
function beyond(unread: readonly Problem[], found: readonly Problem[]): readonly Problem[] {
  const placeOf = ({ file, line, path }: Problem): string => `${file}:${line}:${path}`
  const places = new Set(unread.map(placeOf))
  return places.size === 0 ? found : found.filter((problem) => !places.has(placeOf(problem)))
}

/** By file, then by place. Of several at one path and place the first is told: the others follow from it. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>()
  return problems
    .toSorted((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1))
    .filter(({ file, line, column, path }) => {
      const place = `${file}:${line}:${column}:${path}`
      return !seen.has(place) && seen.add(place)
    })
}
