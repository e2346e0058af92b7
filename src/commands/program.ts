/** The command line as a whole: its commands, its help, and how each run of it ends. */

import { Command, CommanderError } from 'commander'
import manifest from '../../package.json' with { type: 'json' }
import { ConfigError } from '../config/problem.ts'
import { EXIT, type ExitCode, exitCodeOf } from './exit.ts'
import type { Host } from './host.ts'
import { complain, counted, paintErr } from './terminal.ts'

type Register = (program: Command, host: Host) => void

/** Each command, loaded when it is typed, and all of them for the help, in this order. */
const COMMANDS = new Map<string, () => Promise<Register>>([
  ['run', async () => (await import('./run.ts')).registerRun],
  ['check', async () => (await import('./check.ts')).registerCheck],
  ['explain', async () => (await import('./explain.ts')).registerExplain],
  ['plan', async () => (await import('./plan.ts')).registerPlan],
  ['send', async () => (await import('./send.ts')).registerSend],
  ['call', async () => (await import('./call.ts')).registerCall],
  ['tail', async () => (await import('./tail.ts')).registerTail],
  ['why', async () => (await import('./why.ts')).registerWhy],
  ['replay', async () => (await import('./replay.ts')).registerReplay],
  ['dead-letters', async () => (await import('./dead-letters.ts')).registerDeadLetters],
  ['pause', async () => (await import('./pause.ts')).registerPause],
  ['resume', async () => (await import('./resume.ts')).registerResume],
  ['function', async () => (await import('./function.ts')).registerFunction],
  ['journal', async () => (await import('./journal.ts')).registerJournal],
  ['schema', async () => (await import('./schema.ts')).registerSchema],
])

/** Runs what was typed. Resolves when the command is done; the exit code of the process is set then. */
export async function execute(host: Host): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // `headgate tail | head` closes the pipe: that is an end, not an error.
    process.exit(error.code === 'EPIPE' ? EXIT.done : EXIT.disk)
  })
  try {
    await (await build(host)).parseAsync(host.argv, { from: 'user' })
  } catch (error) {
    process.exitCode = report(error, host.argv.includes('--json'))
  }
}

async function build(host: Host): Promise<Command> {
  const program = new Command('headgate')
    .description('An event gateway around an MQTT broker: publish, route by YAML, run functions, lose nothing.')
    .version(manifest.version)
    .helpCommand(true)
    .exitOverride()
    .configureOutput({
      outputError: (message, write) => write(`${paintErr('red', 'headgate:')} ${oneLine(message)}\n`),
    })
    .addHelpText('after', `\n${EXITS}`)
  for (const load of wanted(host.argv)) (await load())(program, host)
  return program
}

/** The command that is typed, alone; none for the version; else all. What a command needs takes longer than to say the version. */
function wanted([first = '']: readonly string[]): Iterable<() => Promise<Register>> {
  const typed = COMMANDS.get(first)
  if (typed) return [typed]
  return first === '--version' || first === '-V' ? [] : COMMANDS.values()
}

const EXITS = `Exit codes: 0 done, 1 the input is wrong, 2 the gateway could not be reached, 3 it ran and failed,
70 a fault of headgate itself, 74 the disk refused. "headgate <command> --help" shows an example of each.`

/** Commander writes `error: unknown command 'rnu'` and a second line `(Did you mean run?)`. */
const oneLine = (message: string): string =>
  message
    .trim()
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*)\?\)$/s, '; did you mean $1?')

/** Prints an error once, for people or machines, and returns the exit code it stands for. */
function report(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode
  const exit = exitCodeOf(error)
  if (json) complain(JSON.stringify({ error: errorView(error) }))
  else complain(...errorLines(error, exit))
  return exit
}

function errorView(error: unknown): object {
  if (error instanceof ConfigError) return { code: error.code, problems: error.problems }
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'INTERNAL'
  return { code, message: messageOf(error) }
}

function errorLines(error: unknown, exit: ExitCode): readonly string[] {
  const mark = paintErr('red', 'headgate:')
  // A place comes first on its line, so that editors and terminals can jump to it.
  if (error instanceof ConfigError) return [error.message, `${mark} ${counted(error.problems.length, 'mistake')}`]
  if (exit === EXIT.internal && error instanceof Error) return [`${mark} ${error.stack}`]
  return [`${mark} ${messageOf(error)}`]
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
