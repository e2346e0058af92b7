/** `headgate run`: runs the gateway until a signal ends it. The log has standard output to itself; this speaks on the other. */

import { type Command, Option } from 'commander'
import type { Seen } from '../config/index.ts'
import { collectGarbage } from '../pool/collect.ts'
import { banner } from './banner.ts'
import { CommandError, EXIT, type ExitCode } from './exit.ts'
import type { Host } from './host.ts'
import { collect, DEFAULT_CONFIG, example, jsonOption } from './options.ts'
import { type Overrides, override } from './override.ts'
import { functionsOption, type Reading, reading } from './reading.ts'
import { Reloader } from './reload.ts'
import { Signals } from './signals.ts'
import { complain, paintErr, printJson } from './terminal.ts'

/** The whole stop, so that a supervisor that waits ten seconds sees a clean end. */
const STOP_MS = 9_500

interface RunOptions extends Overrides, Reading {
  readonly json?: true
  readonly watch: boolean
}

/** The part of a gateway that this command drives. */
interface Running {
  readonly failed: Promise<Error>
  stop(): Promise<void>
}

export function registerRun(program: Command, host: Host): void {
  const command = program
    .command('run')
    .argument('[config]', 'the configuration', DEFAULT_CONFIG)
    .description('run the gateway')
    .addOption(new Option('--http <host:port>', 'take HTTP here instead').env('HEADGATE_HTTP'))
    .addOption(
      new Option('--admin <host:port>', 'serve health, metrics and control here instead').env('HEADGATE_ADMIN'),
    )
    .addOption(
      new Option('--mqtt <url>', 'take MQTT here instead, tcp://host:port or ws://host:port; may be repeated')
        .env('HEADGATE_MQTT')
        .argParser(collect),
    )
    .addOption(new Option('--data <folder>', 'keep the journal and the sessions here instead').env('HEADGATE_DATA'))
    .addOption(functionsOption())
    .addOption(new Option('--no-watch', 'reload on SIGHUP alone, and not when a file changes'))
    .addOption(jsonOption())
    .action((path: string, options: RunOptions) => run(path, options, host))
  example(command, 'headgate run config/headgate.yaml', 'headgate run --http 127.0.0.1:8088 --data /tmp/headgate')
}

async function run(path: string, options: RunOptions, host: Host): Promise<void> {
  const signals = new Signals()
  const [{ Gateway }, { isLarge, loadAside, loadConfig }, how] = await Promise.all([
    import('../gateway.ts'),
    import('../config/index.ts'),
    reading(options, host),
  ])
  const load = async (seen?: Seen) => override(await loadConfig(path, { ...how, seen }), options)
  const again = async (seen?: Seen) =>
    (await isLarge(path)) ? override(await loadAside(path, host.connectorsAt, { ...how, seen }), options) : load(seen)
  const seen: Seen = new Map()
  const deploy = options.functions === undefined ? {} : { deploy: { folder: options.functions, load: again } }
  const gateway = new Gateway(await load(seen), { connectors: how.connectors, ...deploy })
  const reloader = new Reloader(gateway, path, again)
  crashLoudly()
  // The journal may be lost at any time, also while the rest still starts.
  void gateway.failed.then((error) => end(exitOfFailure(error), error.message))
  const started = gateway.start().then(() => 'started' as const)
  const first = await Promise.race([started, signals.first]).catch((error: unknown) => {
    throw withFlag(error)
  })
  if (first === 'started') {
    if (options.json)
      printJson({ state: 'running', pid: process.pid, addresses: Object.fromEntries(gateway.addresses) })
    else complain(...banner({ config: gateway.config, path, addresses: gateway.addresses }, paintErr))
    // Half of the heap is what the start left behind, and a gateway that is asked nothing would keep it: 30 MiB.
    collectGarbage()
    process.on('SIGHUP', () => void reloader.reload('SIGHUP'))
    if (options.watch) reloader.watch(seen)
  }
  const signal = await signals.first
  reloader.close()
  await stop(gateway, signal)
}

async function stop(gateway: Running, signal: NodeJS.Signals): Promise<never> {
  complain(
    paintErr('dim', `headgate: stopping on ${signal}; what is under way is finished first, again to end at once`),
  )
  const late = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => late.resolve('late'), STOP_MS)
  const how = await Promise.race([gateway.stop(), late.promise]).finally(() => clearTimeout(timer))
  if (how === 'late')
    return end(EXIT.failed, `stopping: not done after ${STOP_MS} ms; what was cut off runs again after the next start`)
  return process.exit(EXIT.done)
}

/** A fault of headgate itself: the process is in an unknown state, and what is on disk is not. */
function crashLoudly(): void {
  const crash = (what: string) => (error: unknown) =>
    end(EXIT.internal, `${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  process.on('uncaughtException', crash('uncaught exception'))
  process.on('unhandledRejection', crash('unhandled rejection'))
}

const exitOfFailure = (error: Error): ExitCode =>
  'code' in error && error.code === 'JOURNAL_IO' ? EXIT.disk : EXIT.failed

/** Ends the process now: nothing is flushed but what was acknowledged, which is on disk. */
function end(exit: ExitCode, message: string): never {
  complain(`${paintErr('red', 'headgate:')} ${message}`)
  return process.exit(exit)
}

const FLAGS = {
  'broker.listen': '--mqtt',
  'http.listen': '--http',
  'admin.listen': '--admin',
  'journal.path': '--data',
}

/** The parts know the key of the configuration that is in the way; the flag that overrides it is known here. */
function withFlag(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  if (error.code !== 'ADDRESS_IN_USE' && error.code !== 'JOURNAL_LOCKED') return error
  const flag = Object.entries(FLAGS).find(([key]) => error.message.includes(key))?.[1]
  if (flag === undefined) return error
  return new CommandError(EXIT.input, error.code, `${error.message}, or pass ${flag}`)
}
