/** `headgate check`: says everything that is wrong with configurations, and runs the tests in them. */

import { setFlagsFromString } from 'node:v8'
import type { Command } from 'commander'
import type { TestResult } from '../check/index.ts'
import { GatewayError } from '../errors.ts'
import { testRows, troubleLines } from './check-report.ts'
import { type Checked, checkAll } from './checked.ts'
import { CommandError, EXIT, inputError } from './exit.ts'
import type { Host } from './host.ts'
import { DEFAULT_CONFIG, example, jsonOption } from './options.ts'
import { functionsOption, type Reading, reading } from './reading.ts'
import { complain, counted, paintErr, paintOut, print, printJson } from './terminal.ts'

interface CheckOptions extends Reading {
  readonly route?: string
  readonly json?: true
}

export function registerCheck(program: Command, host: Host): void {
  const command = program
    .command('check')
    .argument('[configs...]', 'the configurations, each by itself', [DEFAULT_CONFIG])
    .description('validate configurations and the functions they name, and run their tests; nothing is started')
    .option('--route <name>', 'run the tests of this route alone')
    .addOption(functionsOption())
    .addOption(jsonOption())
    .action((paths: readonly string[], options: CheckOptions) => check(paths, options, host))
  example(command, 'headgate check config/headgate.yaml', 'headgate check configmap.yaml --functions ./functions')
}

/**
 * jco, which is Wasm itself, and functions run for a moment here: V8 took half a second of processor time to optimize what
 * ran for a quarter of one. What runs for long is optimized still.
 */
const LATE_TIERING = '--wasm-tiering-budget=1000000000'

async function check(paths: readonly string[], options: CheckOptions, host: Host): Promise<void> {
  setFlagsFromString(LATE_TIERING)
  const how = { ...(await reading(options, host)), tests: true }
  let wrong = 0
  const results: TestResult[] = []
  for (const [path, found] of await checkAll(paths, how, options.route)) {
    if ('config' in found) {
      results.push(...found.results)
      tell(path, found, options)
    } else {
      const { error } = found
      if (paths.length === 1 || !(error instanceof GatewayError)) throw error
      wrong += 1
      complain(error.message)
    }
  }
  if (wrong > 0) throw inputError(`${counted(wrong, 'configuration')} of ${paths.length} cannot be used`)
  const failed = results.filter(({ passed }) => !passed).length
  if (failed > 0)
    throw new CommandError(EXIT.input, 'TEST_FAILED', `${failed} of ${counted(results.length, 'test')} did not pass`)
}

function tell(path: string, { config, results }: Checked, { json }: CheckOptions): void {
  const { functions, routes, sinks, sources } = config
  const found = { sources: sources.length, sinks: sinks.length, functions: functions.length, routes: routes.length }
  const failed = results.filter(({ passed }) => !passed)
  if (json) {
    const tests = { passed: results.length - failed.length, failed: failed.length, results }
    printJson({ ok: failed.length === 0, config: path, ...found, tests })
    return
  }
  const has = Object.entries(found).map(([noun, count]) => counted(count, noun.slice(0, -1)))
  const verdict = failed.length === 0 ? paintOut('green', 'good:') : paintOut('red', 'not as its tests say:')
  print(`${verdict} ${path} has ${has.join(', ')}`, ...testRows(results, paintOut))
  for (const result of failed) complain(...troubleLines(result, paintErr))
}
