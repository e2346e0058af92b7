/** Finds and reads the files of tests that lie beside a configuration. */

import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { testFile } from '../router/config.ts'
import type { ConfigTest } from './config-test.ts'
import { readDocuments } from './document.ts'
import { holdsTests } from './files.ts'
import type { Environment } from './interpolate.ts'
import { Reporter } from './names.ts'
import type { Problem } from './problem.ts'
import { check } from './report.ts'
import { fileTests, type Tested } from './tests.ts'

export interface TestText {
  readonly file: string
  readonly text: string
}

/**
 * Reads the `*.test.yaml` of a configuration. A folder has all that are in it. A file `a.yaml` has those of its own
 * name, such as `a.test.yaml` and `a.more.test.yaml`, and those that are named after no other file beside it.
 */
export async function readTests(path: string): Promise<readonly TestText[]> {
  const isFolder = (await stat(path)).isDirectory()
  const folder = isFolder ? path : dirname(path)
  const names = (await readdir(folder)).sort()
  const stems = names.filter((name) => /\.ya?ml$/.test(name) && !holdsTests(name)).map(stem)
  const own = stem(basename(path))
  const taken = names.filter((name) => {
    const owners = stems.filter((one) => name.startsWith(`${one}.`))
    return holdsTests(name) && (isFolder || owners.length === 0 || owners.includes(own))
  })
  return Promise.all(
    taken.map(async (name) => ({ file: join(folder, name), text: await readFile(join(folder, name), 'utf8') })),
  )
}

const stem = (name: string): string => name.replace(/\.ya?ml$/, '')

/** Makes the tests of a file; what is wrong with them is reported at its place in that file. */
export function makeTests(
  { file, text }: TestText,
  environment: Environment,
  tested: Tested,
): { readonly tests: readonly ConfigTest[]; readonly problems: readonly Problem[] } {
  const [read] = readDocuments(text, file, environment).reads
  if (read === undefined) return { tests: [], problems: [] }
  const reporter = new Reporter(read.places)
  reporter.problems.push(...read.problems)
  if (read.problems.length > 0) return { tests: [], problems: reporter.problems }
  const given = check(testFile, read.value, [], read.places, (problem) => void reporter.problems.push(problem))
  const [list, base] = given === undefined || Array.isArray(given) ? [given ?? [], []] : [given.tests, ['tests']]
  return { tests: fileTests(list, base, tested, reporter), problems: reporter.problems }
}
