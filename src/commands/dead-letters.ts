/** `headgate dead-letters`: lists what was given up on, shows one, makes them due again, sends one anew, or removes them. */

import { type Command, Option } from 'commander'
import * as z from 'zod'
import { askJson } from './client.ts'
import { inputError } from './exit.ts'
import { deadLetterLines, deadLetterRows, groupLines } from './history.ts'
import {
  type ChangeOptions,
  type Common,
  changeFilter,
  chosen,
  control,
  type FilterOptions,
  filtered,
  filterOf,
  listed,
  naming,
  post,
} from './letters.ts'
import { adminOption, countArgument, example, jsonOption } from './options.ts'
import { deadLetter, letterGroup } from './records.ts'
import { registerRedrive } from './redrive.ts'
import { registerResend } from './resend.ts'
import { complain, counted, paintErr, paintOut, print, printJson } from './terminal.ts'

export function registerDeadLetters(program: Command): void {
  const group = program
    .command('dead-letters')
    .description('list, show, redrive, resend or drop deliveries that were given up on')
  const list = filtered(group.command('list').description('list them, oldest first'))
    .option('--group [id]', 'count those that died of the same thing; with an id, list those of that group')
    .addOption(new Option('--limit <count>', 'how many at most').argParser(countArgument).default(50))
    .action(listLetters)
  example(list, 'headgate dead-letters list --route orders-created --since 2h', 'headgate dead-letters list --group')
  const show = group.command('show <id>').description('show one with its event and error').action(showLetter)
  example(show, 'headgate dead-letters show 1f-0')
  const redrive = registerRedrive(group)
  const resend = registerResend(group)
  const drop = chosen(group.command('drop').description('remove them for good'))
    .option('--yes', 'say that they may be gone for good')
    .action((ids: readonly string[], options: DropOptions) => dropLetters(naming(ids, options)))
  example(drop, 'headgate dead-letters drop 1f-0 --yes')
  for (const command of [list, show, redrive, resend, drop]) command.addOption(adminOption()).addOption(jsonOption())
}

interface ListOptions extends FilterOptions, Common {
  readonly group?: string | true
  readonly limit: number
}

async function listLetters(options: ListOptions): Promise<void> {
  const { group, limit } = options
  if (group === true) return listGroups(options)
  const filter = { ...filterOf(options), ...(group === undefined ? {} : { group }) }
  const { items, more } = await listed(control(options), filter, limit)
  if (options.json) return printJson({ items, more })
  if (items.length === 0) return print('no dead letters')
  print(...deadLetterRows(z.array(deadLetter).parse(items), Date.now(), paintOut))
  if (more) complain(paintErr('dim', `there are more than ${limit}; --limit shows more`))
}

async function listGroups(options: ListOptions): Promise<void> {
  const path = `/admin/dead-letters/groups?${new URLSearchParams(filterOf(options))}`
  const got = await askJson(control(options), { method: 'GET', path })
  if (options.json) return printJson(got)
  const { groups, others } = z.object({ groups: z.array(letterGroup), others: z.number() }).parse(got)
  if (groups.length === 0) return print('no dead letters')
  print(...groups.slice(0, options.limit).flatMap((each) => groupLines(each, Date.now(), paintOut)))
  const left = groups.length - options.limit
  if (left > 0 || others > 0) complain(paintErr('dim', `there are more than ${options.limit}; --limit shows more`))
}

async function showLetter(id: string, options: Common): Promise<void> {
  const path = `/admin/dead-letters/${encodeURIComponent(id)}`
  const found = await askJson(control(options), { method: 'GET', path })
  if (options.json) printJson(found)
  else print(...deadLetterLines(deadLetter.parse(found), paintOut))
}

interface DropOptions extends ChangeOptions {
  readonly yes?: true
}

async function dropLetters(options: DropOptions): Promise<void> {
  if (!options.yes)
    throw inputError('dropping: they would be gone for good; look with "dead-letters list", then add --yes')
  const body = { filter: changeFilter('drop', options) }
  const { count } = await post(control(options), '/admin/dead-letters/drop', body, z.object({ count: z.number() }))
  if (options.json) printJson({ dropped: count })
  else print(count === 0 ? 'no dead letter is like that; nothing changed' : `${counted(count, 'dead letter')} removed`)
}
