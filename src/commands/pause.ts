/** `headgate pause`: has a source take nothing more from its upstream, until `headgate resume`. */

import type { Command } from 'commander'
import * as z from 'zod'
import { askJson, face } from './client.ts'
import { adminOption, example, jsonOption } from './options.ts'
import { print, printJson, shown } from './terminal.ts'

interface PauseOptions {
  readonly admin: string
  readonly json?: true
}

const answer = z.object({ source: z.string(), paused: z.boolean(), changed: z.boolean() })

export function registerPause(program: Command): void {
  const command = program
    .command('pause')
    .description('take nothing more from a source until `headgate resume` or a restart; what comes waits upstream')
    .argument('<source>', 'its name in the configuration')
    .addOption(adminOption())
    .addOption(jsonOption())
    .action(pause)
  example(command, 'headgate pause orders')
}

/** Resolves with whether a source was running or paused before; rejects when there is none of that name. */
export async function setPaused(source: string, isPaused: boolean, admin: string): Promise<z.output<typeof answer>> {
  const path = `/admin/sources/${isPaused ? 'pause' : 'resume'}`
  const headers = { 'content-type': 'application/json' }
  const question = { method: 'POST', path, headers, body: JSON.stringify({ source }) }
  return answer.parse(await askJson(face(admin, '--admin'), question))
}

async function pause(source: string, { admin, json }: PauseOptions): Promise<void> {
  const done = await setPaused(source, true, admin)
  if (json) return printJson(done)
  const what = done.changed ? 'is paused' : 'was paused already'
  print(`${shown(source)} ${what}; "headgate resume ${shown(source)}" has it go on`)
}
