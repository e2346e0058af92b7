/** Reads a CEL expression as text: how deep it nests, and where its top-level clauses end. */

export interface Scan {
  /** The deepest nesting of brackets, runs of unary operators and branches of `?:` included. */
  readonly depth: number
  /** The clauses between `&&` outside all brackets, trimmed. */
  readonly clauses: readonly string[]
}

const OPEN = '([{'
const CLOSE = ')]}'

/** Scans once, in linear time, without recursion: it runs before the parser, which recurses. */
export function scan(text: string): Scan {
  const clauses: string[] = []
  let [depth, deepest, prefix, start] = [0, 0, 0, 0]
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === '"' || char === "'") {
      at = endOfString(text, at) - 1
      prefix = 0
      continue
    }
    if (char === '!' || char === '-' || char === '?') prefix++
    else if (!/\s/.test(char) && char !== ':') prefix = char === '.' ? prefix : 0
    if (OPEN.includes(char)) depth++
    else if (CLOSE.includes(char)) depth--
    deepest = Math.max(deepest, depth, prefix)
    if (depth === 0 && char === '&' && text[at + 1] === '&') {
      clauses.push(text.slice(start, at).trim())
      start = ++at + 1
    }
  }
  clauses.push(text.slice(start).trim())
  return { depth: deepest, clauses }
}

/** Returns the offset after the string that begins at `at`. Raw strings (`r"\"`) know no escapes. */
function endOfString(text: string, at: number): number {
  const quote = text.charAt(at)
  const triple = quote.repeat(3)
  const close = text.startsWith(triple, at) ? triple : quote
  const raw = /[rR]/.test(text.charAt(at - 1))
  let end = at + close.length
  while (end < text.length && !text.startsWith(close, end)) end += text[end] === '\\' && !raw ? 2 : 1
  return end + close.length
}
