/** `headgate journal verify`: reads a journal from end to end and checks every record. */

import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { VerifyReport } from '../journal/index.ts'
import { CommandError, EXIT, inputError } from './exit.ts'
import { example, jsonOption } from './options.ts'
import { counted, type Paint, paintOut, print, printJson, shown } from './terminal.ts'

export function registerJournal(program: Command): void {
  const journal = program.command('journal').description('verify a journal on disk')
  const verify = journal
    .command('verify')
    .argument('[folder]', 'the folder of the journal; a gateway may have it open', './var/journal')
    .description('read every record and compare it with its checksum; nothing is changed')
    .addOption(jsonOption())
    .action(verifyFolder)
  example(verify, 'headgate journal verify ./var/journal')
}

async function verifyFolder(folder: string, { json }: { readonly json?: true }): Promise<void> {
  if (!existsSync(folder)) throw inputError(`verifying "${folder}": there is no such folder`)
  const { verifyJournal } = await import('../journal/index.ts')
  const report = await verifyJournal(folder)
  if (json) printJson(report)
  else print(...reportLines(report, paintOut))
  if (report.problems.length > 0)
    throw new CommandError(EXIT.failed, 'JOURNAL_CORRUPT', `verifying "${folder}": not what was written`)
}

/** Beyond these the list says no more than its length. */
const SHOWN = 100

/** What it holds, then everything that is not as it was written. */
export function reportLines({ dead, events, path, pending, problems }: VerifyReport, paint: Paint): readonly string[] {
  const holds = [
    counted(events, 'event'),
    `${counted(pending, 'delivery', 'deliveries')} to be made`,
    counted(dead, 'dead letter'),
  ].join(', ')
  if (problems.length === 0) return [`${paint('green', 'sound:')} ${path} holds ${holds}; every checksum fits`]
  const rest = problems.length - SHOWN
  return [
    `${paint('red', 'damaged:')} ${path} holds ${holds}, and ${counted(problems.length, 'problem')}`,
    ...problems.slice(0, SHOWN).map(({ place, problem }) => `  ${shown(place)}: ${shown(problem)}`),
    ...(rest > 0 ? [`  and ${rest} more; --json lists all`] : []),
  ]
}
