/** LIKE: % is any text, _ is one character, a backslash before either makes it plain. Two pointers, no regular expression. */

/** Steps that one evaluation of an expression may take, all of its patterns and functions together: a few milliseconds. */
export const MAX_STEPS = 500_000

/** Counts the steps of one evaluation. */
export interface Meter {
  steps: number
}

/** UTF-16 code units, and these two. */
export type Pattern = readonly number[]
const ANY = -1
const ONE = -2

/** Compiles a pattern. */
export function compilePattern(text: string): Pattern {
  const pattern: number[] = []
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    const next = text.charAt(at + 1)
    if (char === '\\' && (next === '%' || next === '_')) pattern.push(text.charCodeAt(++at))
    else if (char === '_') pattern.push(ONE)
    else if (char !== '%') pattern.push(text.charCodeAt(at))
    else if (pattern.at(-1) !== ANY) pattern.push(ANY)
  }
  return pattern
}

/**
 * Whether a pattern matches the whole text; undefined when that would take more steps than are left. Goes back to the
 * last % only, which is enough: the steps are at most those of the text times the longest part between two %.
 */
export function like(text: string, pattern: Pattern, meter: Meter): boolean | undefined {
  let [at, wanted, afterAny, retry] = [0, 0, -1, 0]
  while (at < text.length) {
    if (++meter.steps > MAX_STEPS) return undefined
    const want = pattern[wanted]
    if (want === ANY) {
      afterAny = ++wanted
      if (afterAny === pattern.length) return true
      retry = at
    } else if (want === ONE) {
      at += width(text, at)
      wanted++
    } else if (want === text.charCodeAt(at)) {
      at++
      wanted++
    } else {
      if (afterAny < 0) return false
      // Half of a character left to the %, and half to an _, is the same as the whole to the _.
      at = ++retry
      wanted = afterAny
    }
  }
  if (pattern[wanted] === ANY) wanted++
  return wanted === pattern.length
}

/** Code units of the character at a place. */
const width = (text: string, at: number): number => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1)
