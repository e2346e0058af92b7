/** Makes routes of their configuration: reads addresses, finds targets, compiles expressions for their mistakes. */

import { readFrom, readTarget, readTopic } from '../router/address.ts'
import { compileRouter } from '../router/compile.ts'
import { type RouteConfig, readFilter, retryOptions, type TargetConfig } from '../router/config.ts'
import type { From, RetryPolicy, Route, Target } from '../router/route.ts'
import { readVersioned, versioned } from '../schema/index.ts'
import { makeCanary } from './canary.ts'
import { makeControls, places } from './controls.ts'
import type { Names, Reporter } from './names.ts'
import type { Path } from './tree.ts'
import { findFunction } from './versions.ts'

/** Returns the routes that are sound; reports everything wrong with the others. */
export function makeRoutes(
  configs: Readonly<Record<string, RouteConfig>>,
  names: Names,
  reporter: Reporter,
): readonly Route[] {
  const routes = Object.entries(configs)
    .map(([name, config]) => makeRoute(name, config, names, reporter))
    .filter((route) => route !== undefined)
  for (const { route, field, path = [], offset, message } of compileRouter(routes).problems)
    reporter.report(['routes', route, ...field.split('.'), ...path], message, { on: offset })
  return routes
}

function makeRoute(name: string, config: RouteConfig, names: Names, reporter: Reporter): Route | undefined {
  const path = ['routes', name]
  const from = each(config.from, [...path, 'from'], (text, at) => source(text, at, names, reporter))
  if (config.default) refuseAny(from, [...path, 'from'], reporter)
  const { to, weights } = targets(config.to, [...path, 'to'], names, reporter)
  const fallback =
    config.fallback === undefined ? undefined : target(config.fallback, [...path, 'fallback'], names, reporter)
  if (fallback && to.every(({ text }) => text === fallback.text))
    reporter.report([...path, 'fallback'], `"${fallback.text}" is what the route sends to; a fallback is another one`)
  const deadLetter =
    config.dead_letter === undefined ? undefined : target(config.dead_letter, [...path, 'dead_letter'], names, reporter)
  if (deadLetter?.kind === 'function')
    reporter.report(
      [...path, 'dead_letter'],
      `"${deadLetter.text}" is a function; a dead letter goes to a sink or mqtt:<topic>`,
    )
  if (config.reply_transform !== undefined && to.length > 0 && !to.some(({ kind }) => kind === 'function'))
    reporter.report([...path, 'reply_transform'], 'there is no reply to make: none of the targets is a function')
  const canary = makeCanary(config.canary, { to, weights }, [...path, 'canary'], reporter)
  const controls = makeControls(config, path, reporter)
  return {
    name,
    from,
    ...(config.when === undefined ? {} : { when: config.when }),
    ...(config.filters === undefined ? {} : { filters: config.filters.map(readFilter) }),
    ...(config.default ? { default: true } : {}),
    to,
    ...(weights ? { weights } : {}),
    ...(canary ? { canary } : {}),
    retry: retryPolicy(config.retry),
    ...(fallback ? { fallback } : {}),
    ...(deadLetter ? { deadLetter } : {}),
    ...(config.order_by === undefined ? {} : { orderBy: config.order_by }),
    concurrency: places(config),
    timeoutMs: config.timeout,
    delivery: config.delivery,
    ...transformsIn(config),
    ...(controls ? { controls } : {}),
  }
}

/**
 * What a delivery publishes on a topic is offered to the routes, and that none takes it is the rule: with `any`, a
 * default route would take all of it, each message of plain publish and subscribe, and what it publishes itself.
 */
function refuseAny(from: readonly From[], path: Path, reporter: Reporter): void {
  if (from.some(({ kind }) => kind === 'any'))
    reporter.report(path, 'a default route names where it takes from; "any" would take each message on a topic, too', {
      suggestion: 'write sources, http:<METHOD> <path>, function:<name> or mqtt:<topic filter>',
    })
}

function transformsIn({ reply_transform: reply, transform: event }: RouteConfig): Pick<Route, 'transforms'> {
  if (event === undefined && reply === undefined) return {}
  return { transforms: { ...(event === undefined ? {} : { event }), ...(reply === undefined ? {} : { reply }) } }
}

/** Reads what stands after `to`: targets that all get an event, or targets with weights of which one does. */
function targets(
  given: RouteConfig['to'],
  path: Path,
  names: Names,
  reporter: Reporter,
): Pick<Route, 'to' | 'weights'> {
  if (!isWeighted(given)) {
    const to = each(given, path, (written, at) => target(written, at, names, reporter))
    reportTwice(to, (at) => [...path, at], reporter)
    return { to }
  }
  const weighted = Object.entries(given).flatMap(([text, weight]) => {
    const to = target(text, [...path, text], names, reporter)
    return to ? [{ to, weight, key: text }] : []
  })
  reportTwice(
    weighted.map(({ to }) => to),
    (at) => [...path, weighted[at]?.key ?? ''],
    reporter,
  )
  return { to: weighted.map(({ to }) => to), weights: weighted.map(({ weight }) => weight) }
}

const isWeighted = (given: RouteConfig['to']): given is Readonly<Record<string, number>> =>
  typeof given === 'object' && !Array.isArray(given) && !('mqtt' in given && typeof given.mqtt === 'string')

/** Reads one or a list; the path of a list's entry ends in its number. */
function each<A, B>(written: A | readonly A[], path: Path, read: (one: A, at: Path) => B | undefined): readonly B[] {
  const made = isList(written) ? written.map((one, at) => read(one, [...path, at])) : [read(written, path)]
  return made.filter((one) => one !== undefined)
}

const isList = <A>(written: A | readonly A[]): written is readonly A[] => Array.isArray(written)

function source(text: string, path: Path, names: Names, reporter: Reporter): From | undefined {
  const read = readFrom(text)
  if ('wrong' in read) return reporter.report(path, read.wrong)
  const { value } = read
  // What the program that embeds the gateway emits, and the gateway itself, need no declaration.
  if (value.kind !== 'source' || value.source === 'program' || value.source === 'gateway') return value
  if (value.source === 'function') {
    const { name, version } = readVersioned(value.address ?? '')
    if (!names.functions.has(name)) return reporter.unknown(path, 'function', name, names.functions.keys())
    if (version === undefined) return value
    return reporter.report(path, `"function:${name}" is what every version of it emits; write it without "@${version}"`)
  }
  return names.sources.has(value.source) ? value : reporter.unknown(path, 'source', value.source, names.sources)
}

function target(written: TargetConfig, path: Path, names: Names, reporter: Reporter): Target | undefined {
  const read =
    typeof written === 'string' ? readTarget(written) : readTopic(`mqtt:${written.mqtt}`, written.mqtt, written.mode)
  if ('wrong' in read) return reporter.report(path, read.wrong)
  return read.value.kind === 'name' ? named(read.value.name, path, names, reporter) : read.value
}

function named(text: string, path: Path, names: Names, reporter: Reporter): Target | undefined {
  if (names.sinks.has(text)) return { kind: 'sink', text, name: text }
  const found = findFunction(text, path, 'function or sink', names, reporter)
  if (found === undefined) return undefined
  // What is delivered to the newest version is known by that version: a retry is to find it again.
  const { name, version } = found
  return { kind: 'function', text: versioned(found), name, ...(version === undefined ? {} : { version }) }
}

/** Deliveries are told apart by their target: the same one twice would be one. */
function reportTwice(targets: readonly Target[], path: (at: number) => Path, reporter: Reporter): void {
  targets.forEach(({ text }, at) => {
    if (targets.findIndex((other) => other.text === text) < at)
      reporter.report(path(at), `"${text}" stands twice; each target gets an event once`)
  })
}

function retryPolicy(given: RouteConfig['retry']): RetryPolicy {
  const { max, backoff, delay, cap, jitter, max_age, except } = retryOptions(given)
  return {
    max,
    backoff,
    delayMs: delay,
    capMs: cap,
    jitter,
    ...(max_age === undefined ? {} : { maxAgeMs: max_age }),
    except,
  }
}
