/** What would allow all that a function was denied, as one value of `--allow`. */

import { isDeepStrictEqual } from 'node:util'
import { parse, stringify } from 'yaml'

const LINE = /^denied .*; write there: allow: (\{.*\})$/
type Mapping = Readonly<Record<string, unknown>>

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** YAML on one line, of the lines that tell denials; undefined when none of them says what would allow it. */
export function wouldAllow(lines: readonly string[]): string | undefined {
  const wanted = lines.flatMap((line) => {
    const [, yaml] = LINE.exec(line) ?? []
    const allow: unknown = yaml === undefined ? undefined : parse(yaml)
    return isMapping(allow) ? [allow] : []
  })
  if (wanted.length === 0) return undefined
  const all = wanted.reduce<unknown>(both, {})
  return stringify(all, { collectionStyle: 'flow', lineWidth: 0 }).trim()
}

/** Lists have the items of both, mappings the keys. */
function both(one: unknown, other: unknown): unknown {
  if (Array.isArray(one) && Array.isArray(other))
    return [...one, ...other.filter((item) => !one.some((known) => isDeepStrictEqual(known, item)))]
  if (!isMapping(one) || !isMapping(other)) return other
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])]
  return Object.fromEntries(
    keys.map((key) => [key, key in one && key in other ? both(one[key], other[key]) : (other[key] ?? one[key])]),
  )
}
