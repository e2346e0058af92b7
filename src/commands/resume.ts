/** `headgate resume`: has what waits for a sink that was gone try again. */

import type { Command } from 'commander'
import * as z from 'zod'
import { askJson, face } from './client.ts'
import { adminOption, example, jsonOption } from './options.ts'
import { print, printJson, shown } from './terminal.ts'

interface ResumeOptions {
  readonly admin: string
  readonly json?: true
}

const answer = z.object({ resumed: z.array(z.object({ route: z.string(), to: z.string() })) })

export function registerResume(program: Command): void {
  const command = program
    .command('resume')
    .description('send to a sink again that said it was gone; what waits for it goes on, one delivery first')
    .argument('<sink>', 'its name in the configuration')
    .addOption(adminOption())
    .addOption(jsonOption())
    .action(resume)
  example(command, 'headgate resume billing')
}

async function resume(sink: string, { admin, json }: ResumeOptions): Promise<void> {
  const question = {
    method: 'POST',
    path: '/admin/sinks/resume',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sink }),
  }
  const { resumed } = answer.parse(await askJson(face(admin, '--admin'), question))
  if (json) return printJson({ resumed })
  if (resumed.length === 0) print(`nothing waits for ${shown(sink)}; it is sent to as ever`)
  for (const { route, to } of resumed) print(`${shown(route)} -> ${shown(to)} goes on, one delivery first`)
}
