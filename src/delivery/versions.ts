/** The versions that a route no longer sends anything to: what began with one is tried again there. */

import type { Lane } from '../journal/journal.ts'
import type { FunctionSpec } from '../pool/pool.ts'
import type { Route, Target } from '../router/route.ts'
import { newest, readVersioned, versioned } from '../schema/index.ts'
import { takersOf } from './rollout.ts'

type FunctionOf = Extract<Target, { kind: 'function' }>

/**
 * Returns the route with the targets that deliveries of it may have begun with: the other versions of its functions that
 * are loaded, and, for those of `lanes` that are loaded no more, the newest one that the route sends to in their place.
 */
export function withVersions(route: Route, functions: readonly FunctionSpec[], lanes: readonly Lane[]): Route {
  const named = Map.groupBy(route.to.filter(isFunction), ({ name }) => name)
  if (named.size === 0) return route
  const texts = new Set(route.to.map(({ text }) => text))
  const takers: ReadonlySet<Target> = new Set(takersOf(route))
  const versions: FunctionOf[] = []
  const add = (text: string, { name, version }: Pick<FunctionOf, 'name' | 'version'>): void => {
    if (texts.has(text)) return
    texts.add(text)
    versions.push({ kind: 'function', text, name, ...(version === undefined ? {} : { version }) })
  }
  for (const spec of functions) if (named.has(spec.name)) add(versioned(spec), spec)
  for (const { route: name, to } of lanes) {
    const own = named.get(readVersioned(to).name) ?? []
    const instead = name === route.name ? (newest(own.filter((one) => takers.has(one))) ?? newest(own)) : undefined
    if (instead) add(to, instead)
  }
  // In one order whatever the order of the lanes: a route that is the same goes on undisturbed.
  return versions.length === 0 ? route : { ...route, versions: versions.toSorted((a, b) => (a.text < b.text ? -1 : 1)) }
}

/** All of these routes; `goOn` is awaited before each. */
export async function allWithVersions(
  routes: readonly Route[],
  functions: readonly FunctionSpec[],
  lanes: readonly Lane[],
  goOn: () => Promise<void>,
): Promise<readonly Route[]> {
  const own = Map.groupBy(lanes, ({ route }) => route)
  const made: Route[] = []
  for (const route of routes) {
    await goOn()
    made.push(withVersions(route, functions, own.get(route.name) ?? []))
  }
  return made
}

/** Of these lanes, those whose version is gone: their deliveries go on with another. */
export function replacedLanes<L extends Lane>(routes: readonly Route[], lanes: readonly L[]): readonly L[] {
  const gone = ({ versions = [] }: Route): readonly Target[] =>
    versions.filter((target) => isFunction(target) && target.text !== versioned(target))
  const texts = new Map(routes.map((route) => [route.name, new Set(gone(route).map(({ text }) => text))]))
  return lanes.filter(({ route, to }) => texts.get(route)?.has(to))
}

const isFunction = (target: Target): target is FunctionOf => target.kind === 'function'
