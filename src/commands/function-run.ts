/** `headgate function run`: calls a function once without a gateway, and says what came of it. */

import { basename, resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { parse, stringify } from 'yaml'
import { ZodError } from 'zod'
import { GatewayError } from '../errors.ts'
import { type CloudEvent, formatJsonEvent, uuidv7 } from '../event/index.ts'
import { allowOptions, grantsOf } from '../pool/config.ts'
import type { FunctionLog, FunctionPool, Grants, Result, Spent } from '../pool/index.ts'
import { parseSize } from '../schema/index.ts'
import { wouldAllow } from './denied.ts'
import { readEvent } from './event.ts'
import { inputError } from './exit.ts'
import { functionFile, readData, requireJson } from './input.ts'
import { collect, durationArgument, example, jsonOption } from './options.ts'
import { complain, paintErr, printJson, shown } from './terminal.ts'
import { type Kept, legible, TrialHost } from './trial.ts'

interface RunOptions {
  readonly event?: string
  readonly parameters?: string
  readonly timeout: number
  readonly memory: number
  readonly allow?: string
  readonly send?: true
  readonly env?: readonly string[]
  readonly output?: 'outcome' | 'plain'
  readonly json?: true
}

/** What is known once it ran, whatever came of it. */
interface Ran {
  readonly result?: Result
  readonly error?: unknown
  readonly runMs: number
  /** Absent when it did not come to an end. */
  readonly memoryBytes: number | undefined
  /** How often it was denied something. */
  readonly denied: number
  /** What would allow that, as it is written under a function; undefined when nothing would. */
  readonly allow: unknown
  /** What it left in stores, and published. */
  readonly kept: readonly Kept[]
  readonly published: TrialHost['published']
}

type Line = Parameters<FunctionLog>[0]

export function registerFunctionRun(parent: Command): void {
  const command = parent
    .command('run <file>')
    .description('call a function once without a gateway, and print its reply; time, memory and denials go to stderr')
    .addOption(
      new Option('--event <file>', 'a CloudEvent in JSON: a file, or - for standard input').conflicts('parameters'),
    )
    .option('--parameters <json>', 'the parameters of a direct call: the JSON itself, @file, or - for standard input')
    .addOption(
      new Option('--timeout <duration>', 'how long it may run').argParser(durationArgument).default(30_000, '30s'),
    )
    .addOption(
      new Option('--memory <size>', 'what its memory may grow to').argParser(sizeArgument).default(64 << 20, '64MiB'),
    )
    .addOption(
      new Option('--output <form>', 'what it answers: a reply, or { success, data, error, metadata }').choices([
        'plain',
        'outcome',
      ]),
    )
    .option('--allow <yaml>', 'what it may reach, as under a function: "{ dirs: [{ guest: /data, host: . }] }"')
    .option('--send', 'send the HTTP requests that --allow names; they are refused without it')
    .option('--env <name=value>', 'an environment variable; may be given several times', collect)
    .addOption(jsonOption())
    .action(run)
  example(
    command,
    'headgate function run functions/echo/echo.wasm --event order.json',
    `headgate function run functions/echo/echo.wasm --parameters '{"hello":"world"}'`,
  )
}

async function run(file: string, options: RunOptions): Promise<void> {
  const name = basename(file, '.wasm')
  const event = await eventOf(name, options)
  const env = environment(options.env)
  const { createPool } = await import('../pool/index.ts')
  const wasm = resolve(await functionFile(file))
  const spec = { name, wasm, min: 1, max: 1, idleMs: 60_000, env, grants: grantsIn(options.allow) }
  const lines: Line[] = []
  const log = (line: Line) => {
    lines.push(line)
    if (!options.json) complain(`${paintErr('dim', `${line.level}:`)} ${shown(line.message)}`)
  }
  const form = options.output === 'outcome' ? { output: options.output } : {}
  const limits = { timeoutMs: options.timeout, memoryBytes: options.memory, ...form }
  await using host = new TrialHost(options.send === true)
  await using pool = await createPool([{ ...spec, ...limits }], { log, workers: 1, host })
  await pool.ready(name)
  const called = await callOnce(pool, name, event, options.timeout)
  const ran = { ...called, kept: await host.kept(), published: host.published }
  if (options.json) printJson(view(ran, lines))
  else tell(ran)
  if (ran.error !== undefined) throw ran.error
}

async function eventOf(name: string, { event, parameters }: RunOptions): Promise<CloudEvent> {
  if (event !== undefined) return readEvent(event)
  if (parameters === undefined)
    throw inputError('running a function: nothing to call it with; give --event or --parameters')
  const data = requireJson(await readData(parameters))
  const call = { type: 'headgate.call', subject: name, datacontenttype: 'application/json' }
  return { specversion: '1.0', id: uuidv7(), source: '/headgate/run', ...call, data }
}

async function callOnce(
  pool: FunctionPool,
  name: string,
  event: CloudEvent,
  timeoutMs: number,
): Promise<Omit<Ran, 'kept' | 'published'>> {
  const spent: Spent = { memoryBytes: 0 }
  const call = { function: name, event, callId: uuidv7(), attempt: 1, deadline: Date.now() + timeoutMs, spent }
  const outcome: { result?: Result; error?: unknown } = await pool
    .invoke(call, new AbortController().signal)
    .then((result) => ({ result }))
    .catch((error: unknown) => ({ error }))
  const { denied: denials = {} } = pool.stats()[0] ?? {}
  const denied = Object.values(denials).reduce((sum, times) => sum + times, 0)
  const memoryBytes = spent.memoryBytes === 0 ? undefined : spent.memoryBytes
  const allow = wouldAllow(spent.denied ?? [])
  return { ...outcome, runMs: spent.runMs ?? outcome.result?.runMs ?? 0, memoryBytes, denied, allow }
}

/** The reply byte for byte; everything else beside it. */
function tell({ result, error, runMs, memoryBytes, denied, allow, kept, published }: Ran): void {
  const reply = result?.reply
  if (reply) process.stdout.write(reply.data)
  if (reply && process.stdout.isTTY && reply.data.at(-1) !== 0x0a) process.stdout.write('\n')
  for (const event of result?.events ?? []) complain(`emitted ${Buffer.from(formatJsonEvent(event)).toString()}`)
  for (const { topic, data } of published) complain(`published to ${shown(topic)}: ${legible(data)}`)
  for (const { store, key, value } of kept) complain(`kept in ${shown(store)}: ${shown(key)} = ${value}`)
  if (allow !== undefined) complain(`allowed by: --allow ${shellText(allow)}`)
  const about = reply
    ? ['replied', reply.status, reply.datacontenttype].filter((each) => each !== undefined)
    : [error === undefined ? 'no reply' : `failed, ${fateOf(error)}`]
  const memory = memoryBytes === undefined ? [] : [`${memoryBytes / 1_024} KiB of memory`]
  const parts = [about.join(' '), `${runMs.toFixed(2)} ms`, ...memory, `${denied} denied`]
  complain(paintErr('dim', parts.map((part) => shown(part)).join(', ')))
}

/** To be pasted into a shell: the names in it are the function's, and nothing in them ends the quotes. */
function shellText(allow: unknown): string {
  const yaml = stringify(allow, { collectionStyle: 'flow', lineWidth: 0 }).trim()
  return `'${shown(yaml).replaceAll("'", "'\\''")}'`
}

/** What a gateway would do then. */
const fateOf = (error: unknown): string =>
  error instanceof GatewayError && error.disposition === 'reject' ? 'a dead letter at once' : 'tried again by its route'

function view(
  { result, error, runMs, memoryBytes, denied, allow, kept, published }: Ran,
  lines: readonly Line[],
): object {
  const { reply, events = [] } = result ?? {}
  return {
    ok: error === undefined,
    ...(reply && {
      reply: {
        status: reply.status,
        contentType: reply.datacontenttype,
        dataBase64: Buffer.from(reply.data).toString('base64'),
      },
    }),
    ...(error instanceof GatewayError && {
      error: { code: error.code, type: error.type, message: error.message, fingerprint: error.fingerprint },
    }),
    events: events.map((event): unknown => JSON.parse(Buffer.from(formatJsonEvent(event)).toString())),
    published: published.map(({ data, topic }) => ({ topic, dataBase64: Buffer.from(data).toString('base64') })),
    kept,
    runMs,
    memoryBytes,
    denied,
    allow,
    log: lines.map(({ level, message }) => ({ level, message })),
  }
}

/** What was typed as `name=value`, each. */
export const environment = (typed: readonly string[] = []): Readonly<Record<string, string>> =>
  Object.fromEntries(typed.map(variable))

/** Folders begin where the command is given. */
function grantsIn(text = '{}'): Grants {
  try {
    return grantsOf(allowOptions.parse(parse(text)), resolve)
  } catch (error) {
    const [first] = error instanceof ZodError ? error.issues : []
    const what = first ? [first.path.join('.'), first.message].filter((part) => part !== '').join(': ') : String(error)
    throw inputError(`--allow: ${what}`)
  }
}

function variable(text: string): [string, string] {
  const [name = '', ...value] = text.split('=')
  if (name === '' || value.length === 0) throw inputError(`--env: "${text}" is not name=value`)
  return [name, value.join('=')]
}

function sizeArgument(text: string): number {
  const bytes = parseSize(text)
  if (bytes === undefined) throw new InvalidArgumentError('Write a number and KiB, MiB or GiB, such as 64MiB.')
  return bytes
}
