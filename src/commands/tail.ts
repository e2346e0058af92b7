/** `headgate tail`: events and outcomes as they happen. */

import type { Command } from 'commander'
import { activityLine } from './activity.ts'
import { askLines, face } from './client.ts'
import { CommandError, EXIT } from './exit.ts'
import { adminOption, example, jsonOption } from './options.ts'
import { activity } from './records.ts'
import { paintOut, print, printJson } from './terminal.ts'

interface TailOptions {
  readonly when?: string
  readonly admin: string
  readonly json?: true
}

export function registerTail(program: Command): void {
  const command = program
    .command('tail')
    .description('print events and outcomes as they happen, until Ctrl-C')
    .option('--when <expression>', 'only events for which this CEL expression is true')
    .addOption(adminOption())
    .addOption(jsonOption())
    .action(tail)
  example(command, 'headgate tail', `headgate tail --when 'type == "order.created" && data.amount > 100'`)
}

async function tail({ admin, json, when }: TailOptions): Promise<void> {
  const leave = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => leave.abort())
  const path = `/admin/tail${when === undefined ? '' : `?${new URLSearchParams({ when })}`}`
  for await (const seen of askLines(face(admin, '--admin'), { method: 'GET', path }, leave.signal)) {
    if (json) printJson(seen)
    else print(activityLine(activity.parse(seen), paintOut))
  }
  if (!leave.signal.aborted)
    throw new CommandError(EXIT.unreachable, 'ENDED', 'tail: the gateway ended it; it has stopped')
}
