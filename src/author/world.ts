/** The world of a script: what every function has, and the interfaces that its source imports, so that it asks for nothing else. */

import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { aliasedWit } from './alias.ts'
import type { Job } from './job.ts'

export interface World {
  /** The folder that its WIT lies in. */
  readonly wit: string
  readonly name: string
}

/** What the kit imports: every function has it. */
const LOG = /^headgate:function\/log@/
const PACKAGE = /^package (\S+?)@(\S+);/m
const MADE = 'script'

/** Writes the world into the scratch folder of the job, unless it is that of every function. */
export function worldOf({ engine, folder, wit }: Job, imports: readonly string[]): World {
  const asked = imports.filter((name) => !LOG.test(name)).toSorted()
  if (asked.length === 0) return { wit, name: 'handler' }
  // Of each engine its own: one folder may be built for both at once.
  const copy = join(folder, 'build', `wit-${engine}`)
  rmSync(copy, { recursive: true, force: true })
  cpSync(wit, copy, { recursive: true })
  const [line = '', name = '', version = ''] = PACKAGE.exec(readFileSync(join(wit, 'function.wit'), 'utf8')) ?? []
  // Within its own package an interface goes by its bare name.
  const bare = (one: string): string =>
    one.startsWith(`${name}/`) ? one.slice(name.length + 1).replace(`@${version}`, '') : one
  const lines = ['include handler;', ...asked.map((one) => `import ${bare(one)};`)]
  writeFileSync(join(copy, 'script.wit'), `${line}\n\nworld ${MADE} {\n${lines.map((one) => `  ${one}\n`).join('')}}\n`)
  alias(copy)
  return { wit: copy, name: MADE }
}

function alias(wit: string): void {
  for (const file of globSync('**/*.wit', { cwd: wit })) {
    const path = join(wit, file)
    writeFileSync(path, aliasedWit(readFileSync(path, 'utf8')))
  }
}
