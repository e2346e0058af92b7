/** `headgate explain`: the configuration in its long form, and what each route says of an event. No gateway is needed. */

import { type Command, Option } from 'commander'
import { ConfigError } from '../config/problem.ts'
import type { Origin } from '../event/index.ts'
import { readEvent } from './event.ts'
import { inputError } from './exit.ts'
import type { Host } from './host.ts'
import { DEFAULT_CONFIG, example, jsonOption } from './options.ts'
import { functionsOption, type Reading, reading } from './reading.ts'
import { paintOut, print, printJson } from './terminal.ts'
import { verdictLines } from './verdicts.ts'

interface ConfigOptions extends Reading {
  readonly json?: true
}

interface EventOptions extends Reading {
  readonly config: string
  readonly from: string
  readonly json?: true
}

export function registerExplain(program: Command, host: Host): void {
  const explain = program.command('explain').description('say what the configuration means, or why an event goes where')
  const config = explain
    .command('config')
    .argument('[config]', 'the configuration', DEFAULT_CONFIG)
    .description('print the configuration with every default and the schedule of retries; secrets are hidden')
    .addOption(functionsOption())
    .addOption(jsonOption())
    .action((path: string, options: ConfigOptions) => explainConfig(path, options, host))
  example(config, 'headgate explain config config/headgate.yaml', 'headgate explain config configmap.yaml')
  const event = explain
    .command('event <file>')
    .description('print what each route says of an event in JSON, from a file or standard input (-)')
    .option('--config <file>', 'the configuration', DEFAULT_CONFIG)
    .addOption(
      new Option('--from <where>', 'where the event comes in: mqtt:<topic>, http:<METHOD> <path>, or a source').default(
        'http:POST /events',
      ),
    )
    .addOption(functionsOption())
    .addOption(jsonOption())
    .action((file: string, options: EventOptions) => explainEvent(file, options, host))
  example(
    event,
    'headgate explain event order.json --from mqtt:orders/eu',
    `echo '{"type":"order.created"}' | headgate explain event -`,
  )
}

async function explainConfig(path: string, options: ConfigOptions, host: Host): Promise<void> {
  const [{ expand, expandForm, loadConfig }, how] = await Promise.all([
    import('../config/index.ts'),
    reading(options, host),
  ])
  try {
    const config = await loadConfig(path, how)
    if (options.json) printJson(config.expanded)
    else print(expand(config).trimEnd())
  } catch (error) {
    // What `event_sources` stands for can be told whatever else is wrong; the mistakes come after it.
    const form = error instanceof ConfigError ? await expandForm(path, how).catch(() => undefined) : undefined
    if (form && options.json) printJson(form.value)
    else if (form) print(form.yaml.trimEnd())
    throw error
  }
}

async function explainEvent(file: string, options: EventOptions, host: Host): Promise<void> {
  const [{ callRoutes, loadConfig }, { compileRouter }, how] = await Promise.all([
    import('../config/index.ts'),
    import('../router/index.ts'),
    reading(options, host),
  ])
  const { from, json } = options
  const config = await loadConfig(options.config, how)
  const event = await readEvent(file)
  const origin = originOf(from)
  const verdicts = compileRouter([...config.routes, ...callRoutes(config)]).router.explain(event, origin)
  if (json) printJson({ origin, verdicts })
  else print(...verdictLines(verdicts, origin, paintOut))
}

/** Reads where an event comes in, as `from` of a route says it. */
export function originOf(from: string): Origin {
  const [, kind, address] = /^(mqtt|http):(.+)$/s.exec(from) ?? []
  if (kind === undefined || address === undefined) return { source: from, address: '' }
  if (kind === 'http' && !/^[A-Z]+ \//.test(address))
    throw inputError(`--from: "${from}" has no method and path, such as "http:POST /events"`)
  if (kind === 'mqtt' && /[+#]/.test(address))
    throw inputError(`--from: "${address}" is a filter; give the topic of one message, without + and #`)
  return { source: kind, address }
}
