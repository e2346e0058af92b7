/** `headgate dead-letters redrive`: makes dead letters due again, at once, at a rate, or with care. */

import { setTimeout as pause } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import * as z from 'zod'
import type { Face } from './client.ts'
import { CommandError, EXIT, inputError } from './exit.ts'
import { watch } from './fate.ts'
import { type ChangeOptions, changeFilter, chosen, control, filterOf, listed, naming, post } from './letters.ts'
import { durationArgument, example } from './options.ts'
import { Progress } from './progress.ts'
import { rateArgument } from './replay.ts'
import { counted, print, printJson, shown } from './terminal.ts'

interface RedriveOptions extends ChangeOptions {
  readonly to?: string
  readonly rate?: number
  readonly careful?: true
  readonly patience: number
}

const PATIENCE_MS = 60_000
/** Letters in one request, and in one step with care once eleven have gone well. */
const STEP = 100

export function registerRedrive(group: Command): Command {
  const command = chosen(group.command('redrive').description('make them due again, attempts counted from the start'))
    .option('--to <target>', 'another target of their route, such as resize@3; as new events that name them')
    .addOption(new Option('--rate <n/s>', 'no more than this, such as 10/s').argParser(rateArgument))
    .option('--careful', 'one, then ten, then the rest, each when those before are done; stop when one breaks again')
    .addOption(
      new Option('--patience <duration>', 'how long --careful waits for a step')
        .argParser(durationArgument)
        .default(PATIENCE_MS, '60s'),
    )
    .action((ids: readonly string[], options: RedriveOptions) => redrive(naming(ids, options)))
  return example(
    command,
    'headgate dead-letters redrive 1f-0 2a-0',
    'headgate dead-letters redrive --code SINK_UNAVAILABLE --since 2h',
    'headgate dead-letters redrive --group 3f9c20aa17 --to resize@3 --careful',
  )
}

async function redrive(options: RedriveOptions): Promise<void> {
  const { careful, json, rate, to } = options
  const filter = changeFilter('redrive', options)
  const at = control(options)
  const count = careful || rate !== undefined ? await inSteps(at, options) : (await change(at, filter, to)).count
  if (json) return printJson({ redriven: count })
  print(
    count === 0
      ? 'no dead letter is like that; nothing changed'
      : `${counted(count, 'delivery', 'deliveries')} made due again${to === undefined ? '' : ` on ${shown(to)}`}`,
  )
}

const changed = z.object({
  count: z.number(),
  moved: z.array(z.object({ id: z.string(), callId: z.string() })).optional(),
})

const change = (at: Face, filter: object, to: string | undefined) =>
  post(at, '/admin/dead-letters/redrive', { filter, to }, changed)

const item = z.object({
  id: z.string(),
  callId: z.string(),
  group: z.string(),
  error: z.object({ code: z.string() }),
})
type Item = z.output<typeof item>

/** Resolves to how many were redriven: all of them, since a step that goes wrong rejects. */
async function inSteps(at: Face, options: RedriveOptions): Promise<number> {
  const { careful, patience, rate, to } = options
  const letters = await which(at, options)
  let done = 0
  using progress = new Progress()
  for (const step of steps(letters, careful === true, rate)) {
    const began = performance.now()
    const { count, moved } = await change(at, { ids: step.map(({ id }) => id) }, to)
    done += count
    if (careful) await watchStep(at, step, moved, { done, of: letters.length, patience })
    progress.tell(() => `${done} of ${letters.length} made due again`)
    if (rate !== undefined && done < letters.length)
      await pause(Math.max(0, (step.length * 1_000) / rate - (performance.now() - began)))
  }
  return done
}

async function which(at: Face, options: RedriveOptions): Promise<readonly Item[]> {
  const { group, id: ids } = options
  if (ids !== undefined && (group !== undefined || Object.keys(filterOf(options)).length > 0))
    throw inputError('redrive: --careful and --rate take ids alone, or a filter')
  const filter = { ...filterOf(options), ...(group === undefined ? {} : { group }) }
  const { items } = await listed(at, filter, Number.MAX_SAFE_INTEGER)
  const all = z.array(item).parse(items)
  return ids === undefined ? all : all.filter(({ id }) => ids.includes(id))
}

/** With care: one, ten, then the rest in steps. At a low rate the steps are as small as what goes in a quarter of a second. */
export function* steps<T>(letters: readonly T[], careful: boolean, rate: number | undefined): Generator<readonly T[]> {
  const most = Math.max(1, Math.min(STEP, Math.floor((rate ?? Number.POSITIVE_INFINITY) / 4)))
  const sizes = careful ? [1, 10] : []
  for (let from = 0; from < letters.length; ) {
    const size = Math.min(most, sizes.shift() ?? most)
    yield letters.slice(from, from + size)
    from += size
  }
}

interface Going {
  readonly done: number
  readonly of: number
  readonly patience: number
}

async function watchStep(
  at: Face,
  step: readonly Item[],
  moved: z.output<typeof changed>['moved'],
  { done, of, patience }: Going,
): Promise<void> {
  const newCall = new Map(moved?.map(({ callId, id }) => [id, callId]))
  const deadline = performance.now() + patience
  for (const { callId, error, group, id } of step) {
    const call = newCall.get(id)
    const fate = await watch(
      at,
      call === undefined ? { callId, id } : { callId: call },
      { code: error.code, group },
      deadline,
    )
    if (fate.status === 'done') continue
    const sofar = `after ${done} of ${of}; the rest are as they were`
    if (fate.status === 'waits')
      throw new CommandError(
        EXIT.failed,
        'STILL_WAITS',
        `redrive: stopped ${sofar}: ${id} is not done in time; --patience says how long to wait`,
      )
    const again = fate.same ? 'broke again of the same thing' : 'broke of something else'
    throw new CommandError(
      EXIT.failed,
      'BROKE_AGAIN',
      `redrive: stopped ${sofar}: ${id} ${again}: ${shown(fate.reason)}`,
    )
  }
}
