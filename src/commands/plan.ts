/** `headgate plan`: what another configuration would do with the events that came in. The gateway is not asked. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import type { Config, LoadOptions } from '../config/index.ts'
import { DEAD_LETTER_SOURCE } from '../event/index.ts'
import type { Span } from '../journal/journal.ts'
import type { Change, Comparison } from '../router/index.ts'
import { type Differing, differing } from './differing.ts'
import { CommandError, EXIT, inputError } from './exit.ts'
import type { Host } from './host.ts'
import { DEFAULT_CONFIG, example, fromOption, jsonOption, toOption, wholeArgument } from './options.ts'
import { override } from './override.ts'
import { Progress } from './progress.ts'
import { functionsOption, type Reading, reading } from './reading.ts'
import { columns, complain, counted, type Paint, paintErr, paintOut, print, printJson, shown } from './terminal.ts'

interface PlanOptions extends Reading, Span {
  readonly config: string
  readonly data?: string
  readonly maxChanges?: number
  readonly json?: true
}

/** What came of it. */
export interface Plan {
  /** Events asked about. */
  readonly events: number
  /** Those that would fare otherwise. */
  readonly changed: number
  readonly changes: readonly Change[]
  /** Routes whose events may go where they went, and fare otherwise there: not counted. */
  readonly otherwise: readonly Differing[]
  /** Places of the journal that could not be read. */
  readonly damaged: number
}

export function registerPlan(program: Command, host: Host): void {
  const command = program
    .command('plan <config>')
    .description('say which of the events that the journal remembers another configuration would route otherwise')
    .option('--config <file>', 'the configuration to compare with', DEFAULT_CONFIG)
    .addOption(fromOption('events accepted'))
    .addOption(toOption('events accepted'))
    .addOption(
      new Option('--max-changes <count>', 'exit with 1 when more events than this would fare otherwise').argParser(
        wholeArgument,
      ),
    )
    .addOption(new Option('--data <folder>', 'the folder given to "run --data", if one was').env('HEADGATE_DATA'))
    .addOption(functionsOption())
    .addOption(jsonOption())
    .action((path: string, options: PlanOptions) => plan(path, options, host))
  example(command, 'headgate plan next.yaml', 'headgate plan next.yaml --from 1h --max-changes 0')
  command.addHelpText(
    'after',
    '\nEvents that no route took, and calls and QoS 0 publishes that ran directly, are not in the journal.',
  )
}

async function plan(path: string, options: PlanOptions, host: Host): Promise<void> {
  const how = await reading(options, host)
  const running = override(await load(options.config, how), options.data === undefined ? {} : { data: options.data })
  const candidate = await load(path, how)
  const found = await compare(running, candidate, options)
  if (options.json) printJson(found)
  else print(...planLines(found, paintOut))
  if (found.damaged > 0)
    complain(paintErr('yellow', `${counted(found.damaged, 'event')} could not be read; run "headgate journal verify"`))
  const { maxChanges } = options
  if (maxChanges !== undefined && found.changed > maxChanges)
    throw new CommandError(
      EXIT.input,
      'TOO_MANY_CHANGES',
      `plan: ${counted(found.changed, 'event')} would be routed otherwise, and --max-changes is ${maxChanges}`,
    )
}

async function load(path: string, how: LoadOptions): Promise<Config> {
  const { loadConfig } = await import('../config/index.ts')
  return loadConfig(path, how)
}

/** In this process, from the file that a gateway may have open: it goes on undisturbed. */
async function compare({ journal, ...running }: Config, candidate: Config, { from, to }: PlanOptions): Promise<Plan> {
  if (journal.memory)
    throw inputError('plan: the journal of this configuration is in memory; "journal.memory: false" keeps it on disk')
  if (!existsSync(join(journal.path, 'data.mdb')))
    throw inputError(
      `plan: there is no journal in "${journal.path}"; say where with --data, as for "run", or with --config`,
    )
  const [{ callRoutes }, { Comparison, compileRouter }, { readEvents }] = await Promise.all([
    import('../config/index.ts'),
    import('../router/index.ts'),
    import('../journal/index.ts'),
  ])
  const routerOf = (config: Pick<Config, 'routes' | 'functions' | 'callable' | 'services'>) =>
    compileRouter([...config.routes, ...callRoutes(config)]).router
  const comparison: Comparison = new Comparison(routerOf(running), routerOf(candidate))
  const span = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
  let damaged = 0
  using progress = new Progress()
  for await (const { event, origin } of readEvents(journal.path, span, () => damaged++)) {
    if (origin.source === DEAD_LETTER_SOURCE) continue
    comparison.add(event, origin)
    progress.tell(() => `${comparison.events} events, ${comparison.changed} of them otherwise`)
  }
  const { changed, events } = comparison
  return { events, changed, changes: comparison.changes(), otherwise: differing(running, candidate), damaged }
}

const KINDS = {
  unmatched: ['red', 'no route any more'],
  fewer: ['yellow', 'no longer to'],
  moved: ['cyan', 'moved'],
  more: ['yellow', 'also to'],
  matched: ['green', 'newly taken'],
} as const

/** A line that sums up, then a line for each change, the worst first, and what else is not the same. */
export function planLines({ changed, changes, events, otherwise }: Plan, paint: Paint): readonly string[] {
  const others = otherwise.map(
    ({ options, route }) => `  ${paint('yellow', 'also other')}  ${shown(route)}: ${options.map(shown).join(', ')}`,
  )
  if (events === 0) return ['the journal remembers no event of that time', ...others]
  const of = counted(events, 'event')
  if (changed === 0) return [`${paint('green', 'the same:')} of ${of}, every one would go where it went`, ...others]
  return [
    `${paint('bold', String(changed))} of ${of} would be routed otherwise`,
    ...columns(changes.map((change) => changeRow(change, paint))),
    ...others,
  ]
}

function changeRow({ events, examples, from, kind, to }: Change, paint: Paint): readonly string[] {
  const [style, text] = KINDS[kind]
  const where = from !== undefined && to !== undefined ? `${shown(from)}  =>  ${shown(to)}` : shown(from ?? to ?? '')
  const such = paint('dim', `${events > examples.length ? 'such as ' : ''}${examples.map(shown).join(', ')}`)
  return [`  ${paint(style, text)}`, where, counted(events, 'event'), such]
}
