/**
 * Builds the functions of this repository: `node functions/build.ts [--engine quickjs|starlingmonkey] [name...]`; without
 * names, the examples and guests whose .wasm is missing. A template is named as `templates/rust`.
 */

import { copyFileSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { LANGUAGES, type Language, MARK_FILES } from '../src/author/languages.ts'
import type { Engine } from '../src/author/toolchains.ts'

const FUNCTIONS = fileURLToPath(new URL('.', import.meta.url))
const GUESTS = fileURLToPath(new URL('../test/functions/guests/', import.meta.url))

/** Every folder that holds the source of a function. */
const folders = [FUNCTIONS, GUESTS]
  .flatMap((root) => globSync(`*/{${MARK_FILES.join(',')}}`, { cwd: root }).map((file) => join(root, dirname(file))))
  .toSorted()

const templates = new Map(LANGUAGES.map((language) => [`templates/${language}`, language]))

async function build(folder: string, engine: Engine): Promise<string> {
  const { buildFunction } = await import('../src/author/index.ts')
  return (await buildFunction(folder, { engine })).path
}

/** As somebody who begins would have it; what is built lies beside the template, which is no folder that builds by itself. */
async function buildTemplate(language: Language): Promise<string> {
  const { newFunction, TEMPLATE_NAME } = await import('../src/author/index.ts')
  const scratch = mkdtempSync(join(tmpdir(), 'headgate-template-'))
  try {
    const to = join(FUNCTIONS, 'templates', language, `${TEMPLATE_NAME}.wasm`)
    copyFileSync(await build(newFunction(TEMPLATE_NAME, language, scratch), 'quickjs'), to)
    return to
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { engine: { type: 'string', default: 'quickjs' } },
})
const engine = values.engine === 'starlingmonkey' ? 'starlingmonkey' : 'quickjs'
const names = [...folders.map((folder) => basename(folder)), ...templates.keys()]
for (const name of positionals)
  if (!names.includes(name))
    throw new Error(`${name} (build): there is no such function; there are ${names.join(', ')}`)

const fileOf = (folder: string): string =>
  join(folder, `${basename(folder)}${engine === 'quickjs' ? '' : `.${engine}`}.wasm`)
// The tools are loaded when there is something to build: npm start runs this first, and most often there is nothing.
const wanted = (folder: string): boolean =>
  positionals.length > 0 ? positionals.includes(basename(folder)) : !existsSync(fileOf(folder))
for (const folder of folders.filter(wanted)) console.log(`${basename(folder)}: ${await build(folder, engine)}`)
for (const [name, language] of templates)
  if (positionals.includes(name)) console.log(`${name}: ${await buildTemplate(language)}`)
