/** `headgate dead-letters`: lists what was given up on, shows one, makes them due again, or removes them. */

import { type Command, Option } from 'commander'
import * as z from 'zod'
import { askJson, type Face, face } from './client.ts'
import { inputError } from './exit.ts'
import { deadLetterLines, deadLetterRows } from './history.ts'
import { adminOption, collect, countArgument, example, jsonOption, sinceArgument } from './options.ts'
import { deadLetter } from './records.ts'
import { complain, counted, paintErr, paintOut, print, printJson } from './terminal.ts'

interface Common {
  readonly admin: string
  readonly json?: true
}

interface FilterOptions {
  readonly route?: string
  readonly code?: string
  readonly since?: number
}

interface ChangeOptions extends FilterOptions, Common {
  readonly id?: readonly string[]
  readonly all?: true
}

export function registerDeadLetters(program: Command): void {
  const group = program
    .command('dead-letters')
    .description('list, show, redrive or drop deliveries that were given up on')
  const list = filtered(group.command('list').description('list them, oldest first'))
    .addOption(new Option('--limit <count>', 'how many at most').argParser(countArgument).default(50))
    .action(listLetters)
  example(list, 'headgate dead-letters list --route orders-created --since 2h')
  const show = group.command('show <id>').description('show one with its event and error').action(showLetter)
  example(show, 'headgate dead-letters show 1f-0')
  const redrive = chosen(
    group.command('redrive').description('make them due again, attempts counted from the start'),
  ).action(redriveLetters)
  example(redrive, 'headgate dead-letters redrive --code SINK_UNAVAILABLE --since 2h')
  const drop = chosen(group.command('drop').description('remove them for good'))
    .option('--yes', 'say that they may be gone for good')
    .action(dropLetters)
  example(drop, 'headgate dead-letters drop --id 1f-0 --yes')
  for (const command of [list, show, redrive, drop]) command.addOption(adminOption()).addOption(jsonOption())
}

const filtered = (command: Command): Command =>
  command
    .option('--route <name>', 'those of this route')
    .option('--code <code>', 'those with this error code, such as FUNCTION_TRAPPED')
    .addOption(
      new Option('--since <when>', 'those that died since: an age such as 2h, or 2026-01-31T12:00:00Z').argParser(
        sinceArgument,
      ),
    )

const chosen = (command: Command): Command =>
  filtered(command)
    .addOption(new Option('--id <id>', 'this one; may be repeated').argParser(collect))
    .option('--all', 'every one there is')

const page = z.object({ items: z.array(z.unknown()), next: z.string().optional() })
/** The control API gives no more at once. */
const PAGE = 1_000

async function listLetters(options: FilterOptions & Common & { readonly limit: number }): Promise<void> {
  const { limit } = options
  const items: unknown[] = []
  let after: string | undefined
  do {
    const query = { ...filterOf(options), limit: String(Math.min(limit - items.length, PAGE)), ...(after && { after }) }
    const path = `/admin/dead-letters?${new URLSearchParams(query)}`
    const got = page.parse(await askJson(control(options), { method: 'GET', path }))
    items.push(...got.items)
    after = got.next
  } while (after !== undefined && items.length < limit)
  if (options.json) return printJson({ items, more: after !== undefined })
  if (items.length === 0) return print('no dead letters')
  print(...deadLetterRows(z.array(deadLetter).parse(items), Date.now(), paintOut))
  if (after !== undefined) complain(paintErr('dim', `there are more than ${limit}; --limit shows more`))
}

async function showLetter(id: string, options: Common): Promise<void> {
  const path = `/admin/dead-letters/${encodeURIComponent(id)}`
  const found = await askJson(control(options), { method: 'GET', path })
  if (options.json) printJson(found)
  else print(...deadLetterLines(deadLetter.parse(found), paintOut))
}

async function redriveLetters(options: ChangeOptions): Promise<void> {
  const count = await change('redrive', options)
  if (options.json) printJson({ redriven: count })
  else
    print(
      count === 0
        ? 'no dead letter is like that; nothing changed'
        : `${counted(count, 'delivery', 'deliveries')} made due again`,
    )
}

async function dropLetters(options: ChangeOptions & { readonly yes?: true }): Promise<void> {
  if (!options.yes)
    throw inputError('dropping: they would be gone for good; look with "dead-letters list", then add --yes')
  const count = await change('drop', options)
  if (options.json) printJson({ dropped: count })
  else print(count === 0 ? 'no dead letter is like that; nothing changed' : `${counted(count, 'dead letter')} removed`)
}

/** Applies to what the filter names; an empty one would be everything, and that is to be said. */
async function change(what: 'redrive' | 'drop', options: ChangeOptions): Promise<number> {
  const named = { ...filterOf(options), ...(options.id === undefined ? {} : { ids: options.id }) }
  const empty = Object.keys(named).length === 0
  if (empty && !options.all)
    throw inputError(`${what}: nothing says which; give --id, --route, --code or --since, or --all`)
  if (!empty && options.all) throw inputError(`${what}: --all and a filter exclude each other`)
  // The control API refuses an empty filter, so all of them are those since the beginning.
  const body = JSON.stringify({ filter: empty ? { since: new Date(0).toISOString() } : named })
  const headers = { 'content-type': 'application/json' }
  const done = await askJson(control(options), { method: 'POST', path: `/admin/dead-letters/${what}`, headers, body })
  return z.object({ count: z.number() }).parse(done).count
}

const control = ({ admin }: Common): Face => face(admin, '--admin')

const filterOf = ({ code, route, since }: FilterOptions) => ({
  ...(route === undefined ? {} : { route }),
  ...(code === undefined ? {} : { code }),
  ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
})
