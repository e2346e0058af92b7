/** Versions of functions: how they are written, `name@version`, and which of two is the newer one. */

/** A function, or one version of it. */
export interface Versioned {
  readonly name: string
  readonly version?: string | undefined
}

/** Reads `name` or `name@version`. */
export function readVersioned(text: string): Versioned {
  const at = text.indexOf('@')
  return at < 0 ? { name: text } : { name: text.slice(0, at), version: text.slice(at + 1) }
}

/** Writes what `readVersioned` reads. */
export const versioned = ({ name, version }: Versioned): string => (version === undefined ? name : `${name}@${version}`)

const NUMERIC = new Intl.Collator('en', { numeric: true })

/**
 * Orders versions, older first, as semantic versioning does and for any number of parts: numbers by value (`9` before
 * `10`), numbers before words, `2.0.0-rc.1` before `2.0.0`. A `v` in front of a number is passed over. No version at
 * all is older than any.
 */
export function compareVersions(left: string | undefined, right: string | undefined): number {
  if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined)
  const [core, pre] = halves(left)
  const [otherCore, otherPre] = halves(right)
  const byCore = compareParts(core, otherCore)
  if (byCore !== 0) return byCore
  if (pre === undefined || otherPre === undefined) {
    const released = Number(pre === undefined) - Number(otherPre === undefined)
    if (released !== 0) return released
  } else if (compareParts(pre, otherPre) !== 0) return compareParts(pre, otherPre)
  // `v2` and `2` are two names all the same.
  return left < right ? -1 : Number(left > right)
}

/** Returns the newest of these, whatever their names are; undefined when there is none. */
export const newest = <T extends { readonly version?: string | undefined }>(all: readonly T[]): T | undefined =>
  all.toSorted((left, right) => compareVersions(left.version, right.version)).at(-1)

function halves(version: string): readonly [core: readonly string[], pre: readonly string[] | undefined] {
  const bare = version.replace(/^v(?=\d)/, '')
  const dash = bare.indexOf('-')
  return dash < 0 ? [bare.split('.'), undefined] : [bare.slice(0, dash).split('.'), bare.slice(dash + 1).split('.')]
}

function compareParts(left: readonly string[], right: readonly string[]): number {
  for (const [at, one] of left.entries()) {
    const other = right[at]
    if (other === undefined) return 1
    const words = Number(!isNumber(one)) - Number(!isNumber(other))
    const order = words === 0 ? NUMERIC.compare(one, other) : words
    if (order !== 0) return order
  }
  return left.length - right.length
}

const isNumber = (part: string): boolean => /^\d+$/.test(part)
