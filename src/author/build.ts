/** Builds the folder of a function to its .wasm, by the tools of its language. */

import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { buildC, buildGo, buildPython, buildRust } from './compilers.ts'
import type { Job } from './job.ts'
import { type Language, languageOf, MARK_FILES } from './languages.ts'
import { AuthorError } from './problem.ts'
import { buildScript } from './scripts.ts'
import { type Engine, missingTools } from './toolchains.ts'

export interface Built {
  readonly name: string
  readonly language: Language
  /** Where the .wasm lies. */
  readonly path: string
}

const COMPILERS: Readonly<Record<Language, (job: Job) => Promise<Uint8Array>>> = {
  js: buildScript,
  ts: buildScript,
  rust: buildRust,
  go: buildGo,
  python: buildPython,
  c: buildC,
}

/** Where the .wasm of a function's folder lies: by another engine than the default it has a name of its own. */
export const wasmOf = (folder: string, engine: Engine = 'quickjs'): string =>
  join(folder, `${basename(resolve(folder))}${engine === 'quickjs' ? '' : `.${engine}`}.wasm`)

export interface BuildOptions {
  /** Of JavaScript and TypeScript; `quickjs` when absent. */
  readonly engine?: Engine
  /** Of Python, a world of its `wit`; by what it imports when absent. Rust names its own, scripts have what they import. */
  readonly world?: string | undefined
}

/**
 * Builds a folder. What the compiler says goes to standard error.
 * Resolves once the .wasm lies in the folder, whole. Rejects with an AuthorError that says which tool is missing and how
 * to install it, or what could not be built.
 */
export async function buildFunction(given: string, { engine = 'quickjs', world }: BuildOptions = {}): Promise<Built> {
  const folder = resolve(given)
  const name = basename(folder)
  const language = languageOf(folder)
  if (language === undefined) throw new AuthorError(`${name} (build): looking for its source: ${noSource(folder)}`)
  const missing = missingTools(language, folder, engine)
  if (missing.length > 0)
    throw new AuthorError(
      `${name} (build): looking for what builds ${language}: ${missing.map((tool) => `${tool.name} is not there; ${tool.install}`).join('; ')}`,
    )
  const path = wasmOf(folder, language === 'js' || language === 'ts' ? engine : 'quickjs')
  const bytes = await COMPILERS[language]({ folder, name, wit: witOf(folder), engine, world })
  // Whole at once: a gateway may be watching.
  writeFileSync(`${path}.new`, bytes)
  renameSync(`${path}.new`, path)
  return { name, language, path }
}

function noSource(folder: string): string {
  if (!existsSync(folder)) return 'there is no such folder; "headgate function new" makes one'
  const found = readdirSync(folder).slice(0, 5).join(', ')
  return `it has none of ${MARK_FILES.join(', ')}, but ${found || 'nothing'}`
}

/** Beside the source, or beside its folder, as in the functions folder of this repository. */
const witOf = (folder: string): string =>
  [join(folder, 'wit'), join(dirname(folder), 'wit')].find((path) => existsSync(path)) ?? join(folder, 'wit')
