/** How a command ends: the exit codes, and what each error means for them. */

import { type ErrorCode, GatewayError } from '../errors.ts'

/** Exit codes. 70 and 74 are EX_SOFTWARE and EX_IOERR of sysexits.h. */
export const EXIT = { done: 0, input: 1, unreachable: 2, failed: 3, internal: 70, disk: 74 } as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Ends a command with a code and one message for the person; thrown by commands, printed once by `execute`. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exit: ExitCode
  /** Names the problem to machines. */
  readonly code: string

  constructor(exit: ExitCode, code: string, message: string) {
    super(message)
    this.exit = exit
    this.code = code
  }
}

/** What the person at the keyboard can put right: the configuration, an event, a port. */
const INPUT: ReadonlySet<ErrorCode> = new Set([
  'CONFIG_INVALID',
  'ADDRESS_IN_USE',
  'JOURNAL_LOCKED',
  'EVENT_INVALID',
  'FUNCTION_INVALID',
  'FUNCTION_UNAPPROVED',
  'FUNCTION_UNKNOWN',
])

/** The exit code of any error that ends a command. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CommandError) return error.exit
  if (!(error instanceof GatewayError)) return EXIT.internal
  if (error.code === 'JOURNAL_IO') return EXIT.disk
  return INPUT.has(error.code) ? EXIT.input : EXIT.failed
}

/** A mistake in what was typed or given. */
export const inputError = (message: string): CommandError => new CommandError(EXIT.input, 'INPUT_INVALID', message)
