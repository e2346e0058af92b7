/**
 * Builds functions to components: `node functions/build.ts [--engine quickjs|starlingmonkey] [name...]`; without names,
 * those whose .wasm is missing.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

// The tools are loaded when there is something to build: npm start runs this first, and most often there is nothing.

const FUNCTIONS = fileURLToPath(new URL('.', import.meta.url))
const GUESTS = fileURLToPath(new URL('../test/functions/guests/', import.meta.url))
const WIT = join(FUNCTIONS, 'wit')

/** What runs a function in JavaScript. StarlingMonkey's components are 12 MB: never committed. */
export type Engine = 'quickjs' | 'starlingmonkey'

/** Where the .wasm of a function's folder lies. */
export const wasmOf = (folder: string, engine: Engine = 'quickjs'): string =>
  join(folder, `${basename(folder)}${engine === 'quickjs' ? '' : `.${engine}`}.wasm`)

/** Every folder that holds the source of a function. */
export function functionFolders(): string[] {
  return [FUNCTIONS, GUESTS]
    .flatMap((root) => globSync('*/{Cargo.toml,index.js,main.c}', { cwd: root }).map((file) => join(root, file, '..')))
    .sort()
}

/** Builds one folder; resolves to the path of the .wasm. The engine is for JavaScript alone. */
export async function buildFunction(folder: string, engine: Engine = 'quickjs'): Promise<string> {
  const compile = existsSync(join(folder, 'Cargo.toml'))
    ? buildRust
    : existsSync(join(folder, 'main.c'))
      ? buildC
      : undefined
  const script = engine === 'quickjs' ? buildQuickJs : buildStarlingMonkey
  const path = wasmOf(folder, compile ? 'quickjs' : engine)
  writeFileSync(path, await (compile ?? script)(folder))
  return path
}

async function buildRust(folder: string): Promise<Uint8Array> {
  const { status, error } = spawnSync('cargo', ['build', '--release', '--quiet'], { cwd: folder, stdio: 'inherit' })
  if (error || status !== 0)
    throw new Error(
      `${basename(folder)} (build): running cargo: ${error?.message ?? `exit code ${status}`}; install Rust and the target in .cargo/config.toml with rustup target add`,
    )
  const name = basename(folder)
  // Cargo names a library with underscores, and a program as it is called.
  const [file] = globSync(`target/wasm32-*/release/{${name},${name.replaceAll('-', '_')}}.wasm`, { cwd: folder })
  if (file === undefined) throw new Error(`${basename(folder)} (build): running cargo: it left no .wasm`)
  const bytes = readFileSync(join(folder, file))
  // Layer 0 is a core module: wasm32-unknown-unknown leaves one, with the interface in a custom section; one of wasip1 is
  // a program as it is.
  if (bytes[6] !== 0 || file.includes('wasip1')) return bytes
  const { componentNew } = await import('@bytecodealliance/jco')
  return componentNew(bytes)
}

/** A program of wasip1, by clang and wasi-libc. */
async function buildC(folder: string): Promise<Uint8Array> {
  const path = wasmOf(folder)
  const options = ['--target=wasm32-wasi', '-Oz', '-Wall', '-s', '-o', path, 'main.c']
  const { status, error } = spawnSync('clang', options, { cwd: folder, stdio: 'inherit' })
  if (error || status !== 0)
    throw new Error(
      `${basename(folder)} (build): running clang: ${error?.message ?? `exit code ${status}`}; install clang, lld and wasi-libc`,
    )
  return readFileSync(path)
}

async function buildQuickJs(folder: string): Promise<Uint8Array> {
  const source = join(folder, 'index.js')
  const { componentize } = await import('componentize-qjs')
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

async function buildStarlingMonkey(folder: string): Promise<Uint8Array> {
  // Loaded when asked for: it takes a second. Its WASI host opens no folder by itself since preview2-shim 0.26.
  const { _setPreopens } = await import('@bytecodealliance/preview2-shim/filesystem')
  Reflect.apply(_setPreopens, undefined, [{ '/': '/' }])
  const { componentize: starlingMonkey } = await import('@bytecodealliance/componentize-js')
  const { component } = await starlingMonkey({
    sourcePath: join(folder, 'index.js'),
    witPath: WIT,
    worldName: 'handler',
    disableFeatures: ['http', 'fetch-event'],
  })
  return component
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { engine: { type: 'string', default: 'quickjs' } },
  })
  const engine = values.engine === 'starlingmonkey' ? 'starlingmonkey' : 'quickjs'
  const all = functionFolders()
  for (const name of positionals)
    if (!all.some((folder) => basename(folder) === name))
      throw new Error(
        `${name} (build): there is no such function; there are ${all.map((folder) => basename(folder)).join(', ')}`,
      )
  const asked = all.filter((folder) => positionals.includes(basename(folder)))
  for (const folder of positionals.length > 0 ? asked : all.filter((missing) => !existsSync(wasmOf(missing, engine))))
    console.log(`${basename(folder)}: ${await buildFunction(folder, engine)}`)
}
