/** `headgate resume`: has a source that was paused go on, or what waits for a sink that was gone try again. */

import type { Command } from 'commander'
import * as z from 'zod'
import { askJson, face } from './client.ts'
import { CommandError } from './exit.ts'
import { adminOption, example, jsonOption } from './options.ts'
import { setPaused } from './pause.ts'
import { print, printJson, shown } from './terminal.ts'

interface ResumeOptions {
  readonly admin: string
  readonly json?: true
}

const answer = z.object({ resumed: z.array(z.object({ route: z.string(), to: z.string() })) })

export function registerResume(program: Command): void {
  const command = program
    .command('resume')
    .description('have a source that was paused go on, or send to a sink again that said it was gone')
    .argument('<name>', 'the name of a sink or of a source in the configuration')
    .addOption(adminOption())
    .addOption(jsonOption())
    .action(resume)
  example(command, 'headgate resume billing')
}

async function resume(name: string, { admin, json }: ResumeOptions): Promise<void> {
  const source = await known('SOURCE_UNKNOWN', setPaused(name, false, admin))
  const asked = askSink(name, admin)
  const sink = source === undefined ? await asked : await known('SINK_UNKNOWN', asked)
  if (json) return printJson({ ...sink, ...(source && { source }) })
  if (source) print(`${shown(name)} ${source.changed ? 'goes on' : 'was not paused'}`)
  if (sink?.resumed.length === 0) print(`nothing waits for ${shown(name)}; it is sent to as ever`)
  for (const { route, to } of sink?.resumed ?? []) print(`${shown(route)} -> ${shown(to)} goes on, one delivery first`)
}

async function askSink(sink: string, admin: string): Promise<z.output<typeof answer>> {
  const question = {
    method: 'POST',
    path: '/admin/sinks/resume',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sink }),
  }
  return answer.parse(await askJson(face(admin, '--admin'), question))
}

/** Undefined when there is nothing of that name. */
async function known<T>(unknown: string, asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof CommandError && error.code === unknown) return undefined
    throw error
  }
}
