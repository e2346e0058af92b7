/** Finds the files of a configuration and merges them: by top-level key, and by name where a key holds names. */

import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readDocuments } from './document.ts'
import type { Environment } from './interpolate.ts'
import { WASM_FUNCTION } from './kubernetes.ts'
import { mapping } from './names.ts'
import { ConfigError, type Problem } from './problem.ts'
import { type Seen, see } from './seen.ts'
import { type Path, Places, type Read } from './tree.ts'

/** Sections that hold names, which files may share between them. */
const SHARED = new Set(['sources', 'sinks', 'functions', 'policies', 'services', 'routes'])

export interface Merged {
  readonly value: Readonly<Record<string, unknown>>
  readonly places: Places
  readonly problems: readonly Problem[]
  /** The documents that are functions, not yet expanded. */
  readonly manifests: readonly Manifest[]
  /** What was passed over, as `file:line: what`. */
  readonly notes: readonly string[]
}

/** A document that is a function, and the path of its places. */
export interface Manifest {
  readonly value: unknown
  readonly at: Path
}

/** Whether a file of a folder holds tests and no configuration. */
export const holdsTests = (name: string): boolean => /\.test\.ya?ml$/.test(name)

export interface FileText {
  readonly file: string
  readonly text: string
}

/**
 * Reads a file, or every .yaml and .yml of a folder in the order of their names, but for tests. Notes in `seen` what it
 * reads. Rejects with a ConfigError.
 */
export async function readFiles(path: string, seen?: Seen): Promise<readonly FileText[]> {
  see(seen, path)
  try {
    if (!(await stat(path)).isDirectory()) return [await readOne(path, seen)]
    const names = (await readdir(path)).filter((name) => /\.ya?ml$/.test(name) && !holdsTests(name)).sort()
    if (names.length === 0) throw unreadable(path, 'the folder holds no .yaml file')
    return await Promise.all(names.map((name) => readOne(join(path, name), seen)))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (error instanceof ConfigError) throw error
    throw unreadable(path, code === 'ENOENT' ? 'there is no such file or folder' : `it cannot be read (${code})`)
  }
}

/** The largest file that is read; what the text of one may have is for the reader of documents to say. Bytes. */
const MAX_BYTES = 4 * 1_048_576

async function readOne(file: string, seen: Seen | undefined): Promise<FileText> {
  see(seen, file)
  const { size } = await stat(file)
  if (size > MAX_BYTES) throw unreadable(file, `the file has ${size} bytes; at most ${MAX_BYTES}`)
  return { file, text: await readFile(file, 'utf8') }
}

/** The error for a path that cannot be read. */
export const unreadable = (file: string, message: string): ConfigError =>
  new ConfigError([{ file, line: 1, column: 1, path: '', message, excerpt: '' }])

/**
 * Reads and merges files. A key or name that two files define is a problem that shows both places. Throws a ConfigError
 * when there is nothing to read in any of them.
 */
export function mergeFiles(files: readonly FileText[], environment: Environment): Merged {
  const merged: Record<string, unknown> = {}
  const places = new Places()
  const problems: Problem[] = []
  const documents = files.map(({ file, text }) => readDocuments(text, file, environment))
  const notes = documents.flatMap((one) => one.notes)
  const [first] = files
  if (first && documents.every(({ reads, functions }) => reads.length + functions.length === 0))
    throw unreadable(
      first.file,
      `there are Kubernetes objects alone; none is a ConfigMap that holds \`event_sources\`, or a ${WASM_FUNCTION}`,
    )
  for (const read of documents.flatMap(({ reads }) => reads)) {
    problems.push(...read.problems)
    if (read.value === null || typeof read.value !== 'object' || Array.isArray(read.value)) {
      problems.push(read.places.problem([], 'expected a mapping such as `routes:`', { on: 'value' }))
      continue
    }
    for (const [key, value] of Object.entries(read.value)) merge(merged, key, value, places, read.places, problems)
    places.adopt(read.places)
  }
  const functions = documents.flatMap((one) => one.functions)
  const manifests = functions.map((read, at) => adoptManifest(read, at + 1, places, problems))
  return { value: merged, places, problems, manifests, notes }
}

/** Takes over the places and problems of a function, under a path of its own: as kubectl names it. */
function adoptManifest(read: Read, number: number, places: Places, problems: Problem[]): Manifest {
  const { name } = mapping(mapping(read.value)['metadata'])
  const plain = `${WASM_FUNCTION}/${typeof name === 'string' ? name : number}`
  // A number tells it from another of its name.
  const own = places.at([plain]) ? `${plain}#${number}` : plain
  for (const problem of read.problems)
    problems.push(problem.path === '' ? problem : { ...problem, path: `${own}.${problem.path}` })
  places.adopt(read.places, [own])
  return { value: read.value, at: [own] }
}

function merge(
  into: Record<string, unknown>,
  key: string,
  value: unknown,
  places: Places,
  own: Places,
  problems: Problem[],
): void {
  const held = into[key]
  const twice = (path: readonly string[]): void => {
    const first = places.problem(path, '', { on: 'key' })
    problems.push(own.problem(path, `this is defined twice, first in ${first.file}:${first.line}`, { on: 'key' }))
  }
  if (!Object.hasOwn(into, key)) into[key] = value
  else if (!SHARED.has(key)) twice([key])
  else {
    const names: Record<string, unknown> = { ...mapping(held) }
    for (const [name, given] of Object.entries(mapping(value))) {
      if (Object.hasOwn(names, name)) twice([key, name])
      else names[name] = given
    }
    into[key] = names
  }
}
