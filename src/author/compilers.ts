/** Runs the compilers that are programs: cargo, go, componentize-py, clang. */

import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Job } from './job.ts'
import { AuthorError } from './problem.ts'
import { CLANG_TARGET } from './toolchains.ts'

/** What was built goes here; no folder of a function keeps it in version control. */
const SCRATCH = 'build'

export async function buildRust(job: Job): Promise<Uint8Array> {
  // Where it puts what it makes is a matter of its settings, so it is asked.
  const told = run(job, 'cargo', ['build', '--release', '--quiet', '--message-format=json-render-diagnostics'])
  const file = told.split('\n').flatMap(wasmIn).at(-1)
  if (file === undefined) throw new AuthorError(`${job.name} (build): running cargo: it left no .wasm`)
  const bytes = readFileSync(file)
  // Layer 0 is a core module: wasm32-unknown-unknown leaves one, with the interface in a custom section; one of wasip1 is
  // a program as it is.
  if (bytes[6] !== 0 || /wasm32-wasip1\b/.test(file)) return bytes
  const { componentNew } = await import('@bytecodealliance/jco')
  return componentNew(bytes)
}

/** The .wasm files of one of cargo's messages. */
function wasmIn(line: string): readonly string[] {
  if (!line.startsWith('{')) return []
  const { filenames = [] }: { readonly filenames?: readonly string[] } = JSON.parse(line)
  return filenames.filter((file) => file.endsWith('.wasm'))
}

export async function buildGo(job: Job): Promise<Uint8Array> {
  const out = scratch(job)
  run(job, 'go', ['build', '-trimpath', '-ldflags=-s -w', '-o', out, '.'], { GOOS: 'wasip1', GOARCH: 'wasm' })
  return readFileSync(out)
}

export async function buildPython(job: Job): Promise<Uint8Array> {
  const out = scratch(job)
  run(job, 'componentize-py', ['-d', job.wit, '-w', job.world ?? worldOfPython(job), 'componentize', 'app', '-o', out])
  return readFileSync(out)
}

/** What is built for a world imports all of it: who asks for nothing gets the one with nothing to ask for. */
function worldOfPython({ folder }: Job): string {
  const sources = globSync('*.py', { cwd: folder }).filter((file) => file !== 'host.py')
  return sources.some((file) => HOST.test(readFileSync(join(folder, file), 'utf8'))) ? 'full' : 'handler'
}

const HOST = /^[ \t]*(?:from|import)[ \t]+host\b/m

/** A program of wasip1, by clang and wasi-libc. */
export async function buildC(job: Job): Promise<Uint8Array> {
  const out = scratch(job)
  const sources = globSync('*.c', { cwd: job.folder }).toSorted()
  run(job, 'clang', [`--target=${CLANG_TARGET}`, '-Oz', '-Wall', '-s', '-o', out, ...sources])
  return readFileSync(out)
}

function scratch({ folder, name }: Job): string {
  mkdirSync(join(folder, SCRATCH), { recursive: true })
  return join(folder, SCRATCH, `${name}.wasm`)
}

/** Returns what it writes to standard output. What it complains of goes to standard error. */
function run(job: Job, command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const { error, signal, status, stdout } = spawnSync(command, args, {
    cwd: job.folder,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 2],
  })
  if (status === 0) return stdout
  const why = error?.message ?? signal ?? `exit code ${status}`
  throw new AuthorError(`${job.name} (build): running ${command}: ${why}; what is wrong stands above`)
}
