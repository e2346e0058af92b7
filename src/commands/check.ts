/** `headgate check`: says everything that is wrong with a configuration, or what it holds. */

import type { Command } from 'commander'
import type { Host } from './host.ts'
import { DEFAULT_CONFIG, example, jsonOption } from './options.ts'
import { counted, paintOut, print, printJson } from './terminal.ts'

export function registerCheck(program: Command, host: Host): void {
  const command = program
    .command('check')
    .argument('[config]', 'the configuration', DEFAULT_CONFIG)
    .description('validate a configuration and the functions it names; nothing is started')
    .addOption(jsonOption())
    .action((path: string, options: { readonly json?: true }) => check(path, options, host))
  example(command, 'headgate check config/headgate.yaml')
}

async function check(path: string, { json }: { readonly json?: true }, host: Host): Promise<void> {
  const [{ loadConfig }, { loadFunctions }, connectors] = await Promise.all([
    import('../config/index.ts'),
    import('../pool/load.ts'),
    host.connectors(),
  ])
  const config = await loadConfig(path, { connectors, env: host.env })
  await loadFunctions(config.functions)
  const { functions, routes, sinks, sources } = config
  const found = { sources: sources.length, sinks: sinks.length, functions: functions.length, routes: routes.length }
  if (json) printJson({ ok: true, config: path, ...found })
  else
    print(
      `${paintOut('green', 'good:')} ${path} has ${Object.entries(found)
        .map(([noun, count]) => counted(count, noun.slice(0, -1)))
        .join(', ')}`,
    )
}
