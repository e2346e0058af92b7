/** `headgate replay`: runs events that the journal remembers again. */

import { type Command, InvalidArgumentError, Option } from 'commander'
import * as z from 'zod'
import { uuidv7 } from '../event/index.ts'
import { askLines, face } from './client.ts'
import { CommandError, EXIT, inputError } from './exit.ts'
import { adminOption, example, fromOption, jsonOption, toOption } from './options.ts'
import { Progress } from './progress.ts'
import { columns, complain, counted, type Paint, paintErr, paintOut, print, printJson, shown } from './terminal.ts'

interface ReplayOptions {
  readonly from?: number
  readonly to?: number
  readonly route?: string
  readonly when?: string
  readonly rate?: number
  readonly name?: string
  readonly dryRun?: true
  readonly admin: string
  readonly json?: true
}

const progress = z.object({
  events: z.number(),
  routes: z.record(z.string(), z.number()),
  before: z.number(),
  unmatched: z.number(),
  children: z.number(),
  at: z.string().optional(),
})
export type ReplayReport = z.output<typeof progress>

const step = z.union([
  z.object({ done: z.literal(true) }),
  z.object({ error: z.object({ code: z.string(), detail: z.string() }) }),
  progress,
])

export function registerReplay(program: Command): void {
  const command = program
    .command('replay')
    .description('run events that the journal remembers again, as new events that answer no caller')
    .addOption(fromOption('events accepted'))
    .addOption(toOption('events accepted'))
    .option('--route <name>', 'to this route alone: those that it takes as it is now')
    .option('--when <expression>', 'only events for which this CEL expression is true')
    .addOption(new Option('--rate <n/s>', 'no more than this, such as 100/s').argParser(rateArgument))
    .option('--name <name>', 'names the replay: under one name an event runs again once (default: a new one)')
    .option('--dry-run', 'count by route what would run, and run nothing')
    .addOption(adminOption())
    .addOption(jsonOption())
    .action(replay)
  example(
    command,
    'headgate replay --from 2h --route orders-created --dry-run',
    `headgate replay --from 2h --when 'type == "order.created"' --rate 100/s --name repair-7`,
  )
}

/** Reads `100/s` or `30/m`; events for each second. */
export function rateArgument(text: string): number {
  const [, count, unit = 's'] = /^(\d{1,9}(?:\.\d+)?)(?:\/(s|m|h))?$/.exec(text) ?? []
  const rate = Number(count) / { s: 1, m: 60, h: 3_600 }[unit as 's' | 'm' | 'h']
  if (!(rate > 0)) throw new InvalidArgumentError('Write a number for each s, m or h, such as 100/s.')
  return rate
}

async function replay(options: ReplayOptions): Promise<void> {
  const { dryRun = false, from, to, json } = options
  if (from === undefined && to === undefined && options.route === undefined && options.when === undefined)
    throw inputError('replay: nothing says which; give --from, --to, --route or --when')
  const name = options.name ?? uuidv7().slice(-12)
  const leave = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => leave.abort())
  const { report, whole } = await follow(name, options, leave.signal).catch((error: unknown) => {
    if (!dryRun) complain(paintErr('dim', `to go on, repeat it with --name ${name}`))
    throw error
  })
  if (json) printJson({ name, dryRun, whole, ...report })
  else print(...replayLines(report, { name, dryRun }, paintOut))
  if (whole) return
  throw new CommandError(
    EXIT.failed,
    'INTERRUPTED',
    `replay: it was interrupted; to go on, repeat it with --name ${name}${report.at === undefined ? '' : ` --from ${report.at}`}`,
  )
}

const NOTHING: ReplayReport = { events: 0, routes: {}, before: 0, unmatched: 0, children: 0 }

/** Resolves to the last that was heard, and whether that was the end. */
async function follow(name: string, options: ReplayOptions, signal: AbortSignal) {
  const { admin, dryRun, from, rate, route, to, when } = options
  const body = JSON.stringify({ name, route, when, rate, dryRun, from: written(from), to: written(to) })
  const question = { method: 'POST', path: '/admin/replay', headers: { 'content-type': 'application/json' }, body }
  let report = NOTHING
  using line = new Progress()
  for await (const value of askLines(face(admin, '--admin'), question, signal)) {
    const said = step.parse(value)
    if ('done' in said) return { report, whole: true }
    if ('error' in said) throw new CommandError(EXIT.failed, said.error.code, `replay: ${shown(said.error.detail)}`)
    report = said
    line.tell(() => `${counted(report.events, 'event')}, up to ${report.at ?? 'the start'}`)
  }
  return { report, whole: false }
}

const written = (at: number | undefined): string | undefined =>
  at === undefined ? undefined : new Date(at).toISOString()

/** What ran again, by route, and what did not. */
export function replayLines(
  { before, children, events, routes, unmatched }: ReplayReport,
  { dryRun, name }: { readonly dryRun: boolean; readonly name: string },
  paint: Paint,
): readonly string[] {
  const would = dryRun ? 'would run again' : `${events === 1 ? 'runs' : 'run'} again as replay ${shown(name)}`
  const notes = [
    before > 0 ? `${before} had run again under this name before` : '',
    unmatched > 0 ? `${unmatched} ${unmatched === 1 ? 'is' : 'are'} taken by no route` : '',
    children > 0 ? `${children} came of other events, and come of them again` : '',
  ].filter((note) => note !== '')
  return [
    `${paint('bold', counted(events, 'event'))} ${would}`,
    ...columns(Object.entries(routes).map(([route, count]) => [`  ${shown(route)}`, counted(count, 'event')])),
    ...notes.map((note) => paint('dim', `  ${note}`)),
  ]
}
