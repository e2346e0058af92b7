/** `headgate check`: says everything that is wrong with a configuration, or what it holds. */

import type { Command } from 'commander'
import type { Host } from './host.ts'
import { DEFAULT_CONFIG, example, jsonOption } from './options.ts'
import { functionsOption, type Reading, reading } from './reading.ts'
import { counted, paintOut, print, printJson } from './terminal.ts'

interface CheckOptions extends Reading {
  readonly json?: true
}

export function registerCheck(program: Command, host: Host): void {
  const command = program
    .command('check')
    .argument('[config]', 'the configuration', DEFAULT_CONFIG)
    .description('validate a configuration and the functions it names; nothing is started')
    .addOption(functionsOption())
    .addOption(jsonOption())
    .action((path: string, options: CheckOptions) => check(path, options, host))
  example(command, 'headgate check config/headgate.yaml', 'headgate check configmap.yaml --functions ./functions')
}

async function check(path: string, options: CheckOptions, host: Host): Promise<void> {
  const [{ loadConfig }, { loadFunctions }, how] = await Promise.all([
    import('../config/index.ts'),
    import('../pool/load.ts'),
    reading(options, host),
  ])
  const config = await loadConfig(path, how)
  await loadFunctions(config.functions)
  const { functions, routes, sinks, sources } = config
  const found = { sources: sources.length, sinks: sinks.length, functions: functions.length, routes: routes.length }
  if (options.json) printJson({ ok: true, config: path, ...found })
  else
    print(
      `${paintOut('green', 'good:')} ${path} has ${Object.entries(found)
        .map(([noun, count]) => counted(count, noun.slice(0, -1)))
        .join(', ')}`,
    )
}
