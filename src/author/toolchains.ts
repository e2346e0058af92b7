/** The tools that each language is built with, how to see that they are there, and the line that installs each. */

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Language } from './languages.ts'

/** What runs JavaScript in a component: QuickJS is small and starts at once, StarlingMonkey is fast with heavy JSON. */
export const ENGINES = ['quickjs', 'starlingmonkey'] as const
export type Engine = (typeof ENGINES)[number]

/** One tool. */
export interface Tool {
  readonly name: string
  readonly install: string
  readonly there: () => boolean
}

/** Clang's target: Debian's wasi-libc lies under this name, and knows no newer one. */
export const CLANG_TARGET = 'wasm32-wasi'

/** Returns the tools that are missing to build a folder of a language; none when it can be built. */
export const missingTools = (language: Language, folder: string, engine: Engine = 'quickjs'): readonly Tool[] =>
  TOOLS[language](folder, engine).filter(({ there }) => !there())

const TOOLS: Readonly<Record<Language, (folder: string, engine: Engine) => readonly Tool[]>> = {
  js: (_, engine) => [script(engine)],
  ts: (_, engine) => [script(engine)],
  rust: (folder) => [CARGO, rustTarget(rustTargetOf(folder))],
  go: () => [GO],
  python: () => [COMPONENTIZE_PY],
  c: () => [CLANG, WASI_LIBC],
}

const PACKAGES: Readonly<Record<Engine, string>> = {
  quickjs: 'componentize-qjs',
  starlingmonkey: '@bytecodealliance/componentize-js',
}

function script(engine: Engine): Tool {
  const name = PACKAGES[engine]
  return { name, install: `npm install ${name}`, there: () => resolves(name) }
}

function resolves(name: string): boolean {
  try {
    import.meta.resolve(name)
    return true
  } catch {
    return false
  }
}

const RUST = 'install Rust as https://rustup.rs says'

const CARGO: Tool = { name: 'cargo', install: RUST, there: () => runs('cargo', '--version') }

function rustTarget(target: string): Tool {
  const there = () => {
    const { status, stdout } = spawnSync('rustc', ['--print', 'target-libdir', '--target', target], {
      encoding: 'utf8',
    })
    return status === 0 && existsSync(stdout.trim())
  }
  return { name: `the Rust target ${target}`, install: `rustup target add ${target}`, there }
}

/** The target that `.cargo/config.toml` of a folder names. */
function rustTargetOf(folder: string): string {
  const config = join(folder, '.cargo/config.toml')
  const named = existsSync(config) ? /^target\s*=\s*"([\w-]+)"/m.exec(readFileSync(config, 'utf8'))?.[1] : undefined
  return named ?? 'wasm32-wasip2'
}

const GO: Tool = {
  name: 'go',
  install: 'apt-get install -y golang-go, or install Go 1.21 or newer as https://go.dev/doc/install says',
  there: () => runs('go', 'version'),
}

const COMPONENTIZE_PY: Tool = {
  name: 'componentize-py',
  install: 'python3 -m pip install componentize-py==0.25.1',
  there: () => runs('componentize-py', '--version'),
}

const CLANG: Tool = {
  name: 'clang',
  install: 'apt-get install -y clang lld',
  there: () => runs('clang', '--version') && runs('wasm-ld', '--version'),
}

const WASI_LIBC: Tool = {
  name: 'wasi-libc',
  install: 'apt-get install -y wasi-libc libclang-rt-dev-wasm32',
  there: () => runs('clang', `--target=${CLANG_TARGET}`, '-E', '-include', 'stdio.h', '-x', 'c', '/dev/null'),
}

const runs = (command: string, ...args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0
