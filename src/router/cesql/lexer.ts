/** Cuts a CESQL expression into words, numbers, strings and symbols. */

/** A piece of an expression. */
export interface Token {
  readonly kind: 'word' | 'digits' | 'string' | 'symbol' | 'end'
  /** As written; of a string, what it stands for. */
  readonly text: string
  readonly start: number
  readonly end: number
}

/** A mistake in an expression, at an offset. Thrown inside this folder only. */
export class Mistake extends Error {
  readonly offset: number

  constructor(offset: number, message: string) {
    super(message)
    this.offset = offset
  }
}

const TOKEN =
  /[ \t\r\n]+|(?<word>[A-Za-z0-9_]+)|(?<string>'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*")|(?<symbol><>|!=|<=|>=|[=<>+\-*/%(),])/y

/** What is written so elsewhere, and how it is written here. */
const ELSEWHERE: readonly (readonly [written: string, help: string])[] = [
  ['&&', 'write AND'],
  ['||', 'write OR'],
  ['!', 'write NOT'],
  ['.', 'only attributes can be named; `when` reads data'],
  ['[', 'write a list of values as IN (...)'],
]

/** Cuts an expression; the last token is of the kind `end`. Throws Mistake. */
export function lex(text: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    TOKEN.lastIndex = at
    const found = TOKEN.exec(text)
    if (!found) throw unexpected(text, at)
    const end = at + found[0].length
    const token = tokenOf(found, at, end)
    // An escaped quote needs no comma; a doubled one is two strings, which the grammar of the specification refuses.
    if (token?.kind === 'string' && tokens.at(-1)?.kind === 'string' && tokens.at(-1)?.end === at)
      throw new Mistake(at, 'a quote inside a string is written \\\' or \\"')
    if (token) tokens.push(token)
    at = end
  }
  tokens.push({ kind: 'end', text: '', start: text.length, end: text.length })
  return tokens
}

function tokenOf({ groups = {} }: RegExpExecArray, start: number, end: number): Token | undefined {
  const { string, symbol, word } = groups
  if (word !== undefined) return { kind: /^[0-9]+$/.test(word) ? 'digits' : 'word', text: word, start, end }
  if (string !== undefined) return { kind: 'string', text: unquoted(string), start, end }
  return symbol === undefined ? undefined : { kind: 'symbol', text: symbol, start, end }
}

/** Only the quote that ends a string is escaped in it: every other backslash stands for itself, and for LIKE. */
function unquoted(written: string): string {
  const quote = written.charAt(0)
  return written.slice(1, -1).replace(/\\[\s\S]/g, (pair) => (pair[1] === quote ? quote : pair))
}

function unexpected(text: string, at: number): Mistake {
  const char = String.fromCodePoint(text.codePointAt(at) ?? 0)
  if (char === '"' || char === "'") return new Mistake(at, `the string that begins here has no closing ${char}`)
  const [, help] = ELSEWHERE.find(([written]) => text.startsWith(written, at)) ?? []
  return new Mistake(at, `unexpected ${JSON.stringify(char)}${help ? `; ${help}` : ''}`)
}
