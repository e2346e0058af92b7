/** The languages that functions are made in, and the file by which a folder shows its own. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'

export const LANGUAGES = ['js', 'ts', 'rust', 'go', 'python', 'c'] as const
export type Language = (typeof LANGUAGES)[number]

/** In the order in which they are looked for. */
const MARKS: readonly (readonly [file: string, language: Language])[] = [
  ['Cargo.toml', 'rust'],
  ['go.mod', 'go'],
  ['main.c', 'c'],
  ['app.py', 'python'],
  ['index.ts', 'ts'],
  ['index.js', 'js'],
]

/** The files of which a folder of a function has one. */
export const MARK_FILES: readonly string[] = MARKS.map(([file]) => file)

/** The language of a folder; undefined when it holds no function. */
export const languageOf = (folder: string): Language | undefined =>
  MARKS.find(([file]) => existsSync(join(folder, file)))?.[1]
