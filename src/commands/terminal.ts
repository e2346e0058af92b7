/** Writes to the terminal: lines, aligned columns, JSON; colours only where a person looks. */

import { styleText } from 'node:util'

export type Paint = (style: 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan', text: string) => string

/** Colours standard output when it is a terminal and NO_COLOR does not say otherwise. */
export const paintOut: Paint = (style, text) => styleText(style, text, { stream: process.stdout })
/** The same for standard error. */
export const paintErr: Paint = (style, text) => styleText(style, text, { stream: process.stderr })
/** Leaves text as it is. */
export const plain: Paint = (_style, text) => text

/** Writes lines to standard output; nothing for none. */
export function print(...lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`)
}

/** Writes one value as one line of JSON. */
export const printJson = (value: unknown): void => print(JSON.stringify(value))

/** Writes lines to standard error. */
export const complain = (...lines: readonly string[]): void => void process.stderr.write(`${lines.join('\n')}\n`)

// CSI sequences, which take no room on the screen.
const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')
const width = (text: string): number => text.replace(ESCAPES, '').length

/** Rows as lines with their cells under each other; the last cell of a row is as long as it is. */
export function columns(rows: readonly (readonly string[])[], gap = '  '): readonly string[] {
  const widths: number[] = []
  for (const row of rows)
    row.slice(0, -1).forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, width(cell))
    })
  return rows.map((row) =>
    row
      .map((cell, at) => (at === row.length - 1 ? cell : cell + ' '.repeat((widths[at] ?? 0) - width(cell))))
      .join(gap)
      .trimEnd(),
  )
}

/** `1 route`, `2 routes`. */
export const counted = (count: number, noun: string, nouns = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : nouns}`

/** Text from outside, safe to show: control characters would move the cursor or change colours. */
export const shown = (text: string): string => text.replace(/\p{Cc}/gu, (char) => (char === '\n' ? ' ' : '\uFFFD'))
