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
  run(job, 'cargo', ['build', '--release', '--quiet'])
  // Cargo names a library with underscores, and a program as it is called.
  const names = `{guest,${job.name},${job.name.replaceAll('-', '_')}}`
  const [file] = globSync(`target/wasm32-*/release/${names}.wasm`, { cwd: job.folder })
  if (file === undefined) throw nothing(job, 'cargo')
  const bytes = readFileSync(join(job.folder, file))
  // Layer 0 is a core module: wasm32-unknown-unknown leaves one, with the interface in a custom section; one of wasip1 is
  // a program as it is.
  if (bytes[6] !== 0 || file.includes('wasip1')) return bytes
  const { componentNew } = await import('@bytecodealliance/jco')
  return componentNew(bytes)
}

export async function buildGo(job: Job): Promise<Uint8Array> {
  const out = scratch(job)
  run(job, 'go', ['build', '-trimpath', '-ldflags=-s -w', '-o', out, '.'], { GOOS: 'wasip1', GOARCH: 'wasm' })
  return readFileSync(out)
}

export async function buildPython(job: Job): Promise<Uint8Array> {
  const out = scratch(job)
  run(job, 'componentize-py', ['-d', job.wit, '-w', 'handler', 'componentize', 'app', '-o', out])
  return readFileSync(out)
}

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

/** What it says goes to standard error: standard output is for whoever asked. */
function run(job: Job, command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): void {
  const { error, signal, status } = spawnSync(command, args, {
    cwd: job.folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 2, 2],
  })
  if (status === 0) return
  const why = error?.message ?? signal ?? `exit code ${status}`
  throw new AuthorError(`${job.name} (build): running ${command}: ${why}; what is wrong stands above`)
}

const nothing = ({ name }: Job, command: string): AuthorError =>
  new AuthorError(`${name} (build): running ${command}: it left no .wasm`)
