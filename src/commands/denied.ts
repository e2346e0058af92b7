/** What would allow all that a function was denied, as one value of `allow`. */

import { isDeepStrictEqual } from 'node:util'
import type { Lack } from '../pool/index.ts'

type Mapping = Readonly<Record<string, unknown>>

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Undefined when nothing would allow any of it. */
export const wouldAllow = (denied: readonly Lack[]): unknown =>
  denied.map(({ allow }): unknown => allow).reduce(both, undefined)

/** Lists have the items of both, mappings the keys, and of two numbers it is the larger one. */
function both(one: unknown, other: unknown): unknown {
  if (one === undefined || other === undefined) return one ?? other
  if (Array.isArray(one) && Array.isArray(other)) return other.reduce<readonly unknown[]>(withItem, one)
  const [left, right] = [long(one), long(other)]
  if (!isMapping(left) || !isMapping(right)) return numberIn(one) > numberIn(other) ? one : other
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])]
  return Object.fromEntries(keys.map((key) => [key, both(own(left, key), own(right, key))]))
}

/** A folder stands once, however it is used. */
function withItem(items: readonly unknown[], item: unknown): readonly unknown[] {
  const place = (each: unknown) => (isMapping(each) && each['guest']) || each
  const at = items.findIndex((known) => isDeepStrictEqual(place(known), place(item)))
  return at < 0 ? [...items, item] : items.with(at, both(items[at], item))
}

/** Not what every object inherits: a guest may ask for a value called "constructor". */
const own = (value: Mapping, key: string): unknown => (Object.hasOwn(value, key) ? value[key] : undefined)

/** The list of hosts is short for a mapping that has limits, too. */
const long = (value: unknown): unknown => (Array.isArray(value) ? { to: value } : value)

/** Of a size as well: those of denials are all in KiB. */
const numberIn = (value: unknown): number => Number.parseInt(String(value), 10)
