/** Writes every generated file; with --check it writes none, names those that differ and exits 1. */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Connector } from '../connector/connector.ts'
import { checkTypes, connectorList, withGenerated } from './connectors.ts'
import { functionTypes } from './function-types.ts'
import { editorSchema, reference, testsSchema } from './reference.ts'

const ROOT = new URL('../../', import.meta.url)

/** A file and what must stand in it; its path begins at the root of the repository. */
interface Generated {
  readonly path: string
  readonly text: string
}

const read = (path: string): string => {
  const file = new URL(path, ROOT)
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

/** As Biome would format it, which also checks what is generated. */
function formatted(path: string, text: string): string {
  const biome = new URL('node_modules/.bin/biome', ROOT).pathname
  const run = spawnSync(biome, ['format', `--stdin-file-path=${path}`], { cwd: ROOT, input: text, encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`formatting ${path}: ${run.error?.message ?? run.stderr}`)
  return run.stdout
}

/** Everything that is generated, as it must be now. */
export async function generated(): Promise<readonly Generated[]> {
  const folders = readdirSync(new URL('connectors/', ROOT))
    .filter((name) => existsSync(new URL(`connectors/${name}/index.ts`, ROOT)))
    .sort()
  const connectors = await Promise.all(folders.map(load))
  checkTypes(folders, connectors)
  const types = await functionTypes()
  return [
    { path: 'connectors/index.ts', text: connectorList(folders) },
    ...connectors.map((connector, at) => {
      const path = `connectors/${folders[at]}/README.md`
      return { path, text: formatted(path, withGenerated(read(path), connector)) }
    }),
    { path: 'config/schema.json', text: editorSchema(connectors) },
    { path: 'config/tests.schema.json', text: testsSchema() },
    ...Array.from(types, ([path, text]) => ({ path: `functions/js/generated/${path}`, text })),
    { path: 'config/REFERENCE.md', text: formatted('config/REFERENCE.md', reference(connectors)) },
  ]
}

async function load(folder: string): Promise<Connector> {
  const module: { default: Connector } = await import(new URL(`connectors/${folder}/index.ts`, ROOT).href)
  return module.default
}

async function main(check: boolean): Promise<void> {
  const changed = (await generated()).filter(({ path, text }) => read(path) !== text)
  for (const { path, text } of changed) {
    console.log(check ? `${path} is not what npm run generate writes` : `wrote ${path}`)
    if (check) continue
    mkdirSync(new URL('.', new URL(path, ROOT)), { recursive: true })
    writeFileSync(new URL(path, ROOT), text)
  }
  if (check && changed.length > 0) process.exitCode = 1
}

if (import.meta.main) await main(process.argv.includes('--check'))
