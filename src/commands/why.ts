/** `headgate why`: what happened to an event or a call. */

import type { Command } from 'commander'
import { askJson, face } from './client.ts'
import { historyLines } from './history.ts'
import { adminOption, example, jsonOption } from './options.ts'
import { eventHistory } from './records.ts'
import { paintOut, print, printJson } from './terminal.ts'

export function registerWhy(program: Command): void {
  const command = program
    .command('why <id>')
    .description('say what happened to an event, by its id or callId: routes, attempts, errors, reply')
    .addOption(adminOption())
    .addOption(jsonOption())
    .action(why)
  example(command, 'headgate why 019c2f9e-6a52-7cc1-b8a1-2f6f6a4d1c00')
}

async function why(id: string, { admin, json }: { readonly admin: string; readonly json?: true }): Promise<void> {
  const found = await askJson(face(admin, '--admin'), {
    method: 'GET',
    path: `/admin/events/${encodeURIComponent(id)}`,
  })
  if (json) return printJson(found)
  print(...historyLines(eventHistory.parse(found), paintOut))
}
