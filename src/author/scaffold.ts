/** Makes the folder of a new function of the template of its language, whole: source, interface, kit, configuration, test. */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Language } from './languages.ts'
import { AuthorError } from './problem.ts'

const FUNCTIONS = fileURLToPath(new URL('../../functions/', import.meta.url))
const TEMPLATES = join(FUNCTIONS, 'templates')

/** What the functions of the templates are called. */
export const TEMPLATE_NAME = 'new-function'

/** What each language takes of the functions folder beside its template: the interface, and what is written for it once. */
const PARTS: Readonly<Record<Language, readonly (readonly [from: string, to: string])[]>> = {
  js: [
    ['wit', 'wit'],
    ['js', '.'],
  ],
  ts: [
    ['wit', 'wit'],
    ['js', '.'],
  ],
  rust: [['wit', 'wit']],
  go: [],
  python: [['wit', 'wit']],
  c: [],
}

/** A name is a folder, a package, a topic level and a part of a path. */
const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/
const LONGEST = 63

/** Files that are no text of a template: what was built of it, for tests. */
const BUILT = /\.wasm$|^(?:target|build|node_modules)$/

/**
 * Makes the folder `name` in another, and returns its path. Throws an AuthorError when the name cannot be one, or when
 * there is something of that name: nothing is ever written over.
 */
export function newFunction(name: string, language: Language, parent: string): string {
  if (!NAME.test(name) || name.length > LONGEST)
    throw new AuthorError(
      `${JSON.stringify(name)} (new): naming the function: a name has a-z, 0-9 and single hyphens, begins with a letter, and has at most ${LONGEST} characters`,
    )
  const folder = join(parent, name)
  try {
    mkdirSync(folder)
  } catch (cause) {
    throw new AuthorError(`${name} (new): making the folder "${folder}": ${whyNot(cause)}`, { cause })
  }
  try {
    for (const [from, to] of PARTS[language]) copyText(join(FUNCTIONS, from), join(folder, to), name)
    copyText(join(TEMPLATES, 'any'), folder, name)
    copyText(join(TEMPLATES, language), folder, name)
  } catch (cause) {
    // It was made just now, and nobody has put anything into it yet.
    rmSync(folder, { recursive: true, force: true })
    throw cause
  }
  return folder
}

function whyNot(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException
  if (code === 'EEXIST')
    return 'there is something of that name already, and nothing is written over; take another name'
  if (code === 'ENOENT') return 'there is no such folder to make it in'
  return `it cannot be made (${code})`
}

/** Copies a folder of text, with the name of the function in place of that of the template. */
function copyText(from: string, to: string, name: string): void {
  mkdirSync(to, { recursive: true })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (BUILT.test(entry.name)) continue
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) copyText(source, target, name)
    else writeFileSync(target, readFileSync(source, 'utf8').replaceAll(TEMPLATE_NAME, name))
  }
}
