/** A mistake in the configuration, with its place, and the error that carries all of them. */

import { GatewayError } from '../errors.ts'

export interface Problem {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in characters. */
  readonly column: number
  /** Keys from the top, joined by dots; empty for the file itself. */
  readonly path: string
  readonly message: string
  /** What to do about it. */
  readonly suggestion?: string
  /** The line as it stands in the file, secrets masked. */
  readonly excerpt: string
}

/** Thrown for a configuration with mistakes: all of them at once. Its message is the whole report. */
export class ConfigError extends GatewayError {
  readonly problems: readonly Problem[]
  readonly more: readonly string[]

  /** `more`: lines that end the report. */
  constructor(problems: readonly Problem[], more: readonly string[] = []) {
    super('CONFIG_INVALID', [...problems.map(formatProblem), ...more].join('\n'))
    this.problems = problems
    this.more = more
  }
}

/** `file:line:column: path: what is wrong`, then the line with a caret, then help. */
export function formatProblem({ file, line, column, path, message, suggestion, excerpt }: Problem): string {
  const number = String(line)
  const gutter = ' '.repeat(number.length)
  const lines = [`${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`]
  const { text, at } = window(excerpt, column - 1)
  if (excerpt.trim() !== '') lines.push(`  ${number} | ${text}`, `  ${gutter} | ${' '.repeat(at)}^`)
  if (suggestion !== undefined) lines.push(`  ${gutter} = help: ${suggestion}`)
  return lines.join('\n')
}

const WIDTH = 120

/** Cuts a long line to what surrounds the place. */
function window(line: string, at: number): { readonly text: string; readonly at: number } {
  const shown = line.replaceAll('\t', ' ')
  if (shown.length <= WIDTH) return { text: shown, at }
  const from = Math.max(0, Math.min(at - WIDTH / 2, shown.length - WIDTH))
  return { text: shown.slice(from, from + WIDTH), at: at - from }
}

/** Hides what must not be printed: the value of a key that names a secret, and the password in a URL. */
export const masked = (line: string): string =>
  line
    .replace(/((?:password|passphrase|secret|token|credential|api_?key)\w*["']?\s*:\s*)([^\s#].*)$/i, '$1***')
    .replace(/(:\/\/[^/\s:@]*:)[^@\s/]+@/g, '$1***@')
