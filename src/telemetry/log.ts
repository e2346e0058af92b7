/** The log: pino, one line for each thing an operator needs; no secret, and no control character that acts on a terminal. */

import { pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { Log } from '../connector/connector.ts'
import type { FunctionLog } from '../pool/pool.ts'
import type { LogConfig } from './config.ts'

export interface GatewayLog extends Log {
  /** A log whose every line carries these fields as well. */
  child(fields: object): GatewayLog
}

export interface LogOptions {
  /** What the gateway is called: `gateway` of each line of JSON, for where the lines of several come together. */
  readonly name?: string
  /** Texts that are replaced wherever they would be written; asked for each line, the same list as long as they are the same. */
  readonly secrets?: () => readonly string[]
  /** Where lines go, each with its line break; the standard output unless told. */
  readonly stream?: { write(line: string): void }
  /** Whether somebody reads along; whether the standard output is a terminal unless told. */
  readonly terminal?: boolean
}

/** Fields whose value is never written, whoever logs them and whatever they hold. */
const HIDDEN_FIELDS = ['authorization', 'password', 'token', 'secret', 'cookie', 'data'].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
])

/** Returns the log. Lines are written at once: what was said before a crash can be read after it. */
export function createLog(config: LogConfig, options: LogOptions = {}): GatewayLog {
  const { stream = pino.destination({ fd: 1, sync: true }), terminal = process.stdout.isTTY === true } = options
  const pretty = config.format === 'pretty' || (config.format === 'auto' && terminal)
  const hide = hider(options.secrets ?? (() => NONE))
  const named = options.name !== undefined && !pretty
  return pino(
    {
      level: config.level,
      base: named ? { gateway: options.name } : null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: HIDDEN_FIELDS, censor: '(hidden)' },
      serializers: { err: describe },
      hooks: { streamWrite: (line) => hide(line) },
    },
    pretty ? { write: prettier(stream, terminal) } : { write: (line: string) => stream.write(escapeUnseen(line)) },
  )
}

/** Returns where a function's own lines go: the log, under the function's name and callId. */
export const functionLog = (log: Log): FunctionLog => {
  return ({ level, message, ...where }) => log[level](where, message)
}

/** An error as fields: the stack is that of ours that should not happen, the message is kept for all. */
function describe(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const expected = error.name === 'GatewayError' && code !== 'INTERNAL'
  return {
    type: error.name,
    message: error.message,
    ...(code !== undefined && { code }),
    ...(!expected && { stack: error.stack }),
    ...(error.cause !== undefined && { cause: describe(error.cause) }),
  }
}

/** Lines for people, one each: `[02:13:07.120] ERROR: orders: given up {"event":...}`. Fields stay JSON. */
function prettier(stream: { write(line: string): void }, colorize: boolean): (line: string) => void {
  const format = prettyFactory({
    colorize,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
    errorLikeObjectKeys: [],
    messageFormat: (fields, key) => String(fields[key] ?? '').replace(CONTROL, visible),
  })
  return (line) => stream.write(escapeUnseen(format(line)))
}

const NONE: readonly string[] = []

function hider(secrets: () => readonly string[]): (line: string) => string {
  let known = NONE
  let texts = NONE
  return (line) => {
    const now = secrets()
    if (now !== known) texts = asWritten(now)
    known = now
    return texts.reduce((shown, text) => shown.replaceAll(text, '(hidden)'), line)
  }
}

/** As they stand inside JSON; the longest first, so that one which contains another is hidden whole. */
const asWritten = (secrets: readonly string[]): readonly string[] =>
  secrets
    .filter((text) => text.length > 0)
    .map((text) => JSON.stringify(text).slice(1, -1))
    .toSorted((a, b) => b.length - a.length)

/** Control characters. JSON escapes them in fields; a message for people is written as it stands, so there they are here. */
const CONTROL = /\p{Cc}/gu
/** What JSON leaves as it is: the other control characters, line separators, and marks that turn text around. */
const UNSEEN = /[\u007f-\u009f\u2028\u2029\p{Cf}]/gu

const escapeUnseen = (text: string): string => text.replace(UNSEEN, visible)
const visible = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('')
