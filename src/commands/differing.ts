/** What else two configurations have their routes do, beside sending events elsewhere. */

import type { Config } from '../config/index.ts'

/** A route that both have, and the options of it that are not the same in both. */
export interface Differing {
  readonly route: string
  readonly options: readonly string[]
}

/** Where an event goes is compared by asking both, event by event. */
const ASKED = new Set(['from', 'when', 'filters', 'default', 'to'])

/** Compares the routes of one name, defaults filled in, so that the same thing written in two ways is the same. */
export function differing(running: Pick<Config, 'expanded'>, candidate: Pick<Config, 'expanded'>): Differing[] {
  const after = mapping(candidate.expanded['routes'])
  return Object.entries(mapping(running.expanded['routes'])).flatMap(([route, options]) => {
    if (!Object.hasOwn(after, route)) return []
    const had = mapping(options)
    const has = mapping(after[route])
    const names = [...new Set([...Object.keys(had), ...Object.keys(has)])]
    const other = names.filter((name) => !ASKED.has(name) && JSON.stringify(had[name]) !== JSON.stringify(has[name]))
    return other.length === 0 ? [] : [{ route, options: other }]
  })
}

const mapping = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
