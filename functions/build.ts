/** Builds functions to components: `node functions/build.ts [--force] [name...]`; without names, those whose .wasm is missing. */

import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { componentNew } from '@bytecodealliance/jco'
import { componentize } from 'componentize-qjs'

const FUNCTIONS = fileURLToPath(new URL('.', import.meta.url))
const GUESTS = fileURLToPath(new URL('../test/functions/guests/', import.meta.url))
const WIT = join(FUNCTIONS, 'wit')

/** Where the .wasm of a function's folder lies. */
export const wasmOf = (folder: string): string => join(folder, `${basename(folder)}.wasm`)

/** Every folder that holds the source of a function. */
export function functionFolders(): string[] {
  return [FUNCTIONS, GUESTS]
    .flatMap((root) => globSync('*/{Cargo.toml,index.js}', { cwd: root }).map((file) => join(root, file, '..')))
    .sort()
}

/** Builds one folder; resolves to the path of the .wasm. */
export async function buildFunction(folder: string): Promise<string> {
  const component = existsSync(join(folder, 'Cargo.toml')) ? await buildRust(folder) : await buildScript(folder)
  writeFileSync(wasmOf(folder), component)
  return wasmOf(folder)
}

async function buildRust(folder: string): Promise<Uint8Array> {
  const { status, error } = spawnSync('cargo', ['build', '--release', '--quiet'], { cwd: folder, stdio: 'inherit' })
  if (error || status !== 0)
    throw new Error(
      `${basename(folder)} (build): running cargo: ${error?.message ?? `exit code ${status}`}; install Rust and the target in .cargo/config.toml with rustup target add`,
    )
  const [file] = globSync(`target/wasm32-*/release/${basename(folder).replaceAll('-', '_')}.wasm`, { cwd: folder })
  if (file === undefined) throw new Error(`${basename(folder)} (build): running cargo: it left no .wasm`)
  const bytes = readFileSync(join(folder, file))
  // Layer 0 is a core module: wasm32-unknown-unknown leaves one, with the interface in a custom section.
  return bytes[6] === 0 ? componentNew(bytes) : bytes
}

async function buildScript(folder: string): Promise<Uint8Array> {
  const source = join(folder, 'index.js')
  const { component } = await componentize({
    witPath: WIT,
    world: 'handler',
    jsSource: readFileSync(source, 'utf8'),
    jsPath: source,
    moduleRoot: join(folder, '../..'),
    sync: true,
    optSize: true,
  })
  return component
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2).filter((name) => name !== '--force')
  const force = process.argv.includes('--force') || names.length > 0
  const folders = functionFolders().filter((folder) => names.length === 0 || names.includes(basename(folder)))
  for (const name of names)
    if (!folders.some((folder) => basename(folder) === name))
      throw new Error(`${name} (build): there is no such function`)
  for (const folder of folders) {
    if (!force && existsSync(wasmOf(folder))) continue
    console.log(`${basename(folder)}: ${await buildFunction(folder)}`)
  }
}
