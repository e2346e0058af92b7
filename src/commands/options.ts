/** Options that several commands share, each described once. */

import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../schema/index.ts'

/** What a command runs when no file is named. */
export const DEFAULT_CONFIG = 'config/headgate.yaml'

/** Adds an example to the help of a command. */
export const example = (command: Command, ...lines: readonly string[]): Command =>
  command.addHelpText('after', `\nExample:\n${lines.map((line) => `  $ ${line}`).join('\n')}`)

export const jsonOption = () => new Option('--json', 'write JSON, for machines')

export const httpOption = () =>
  new Option('--http <host:port>', 'where the gateway takes HTTP').env('HEADGATE_HTTP').default('127.0.0.1:8080')

export const adminOption = () =>
  new Option('--admin <host:port>', "where the gateway's control API listens")
    .env('HEADGATE_ADMIN')
    .default('127.0.0.1:9090')

/** Collects an option that may be given several times. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]

/** Reads `30s`; milliseconds. */
export function durationArgument(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined) throw new InvalidArgumentError('Write a number and ms, s, m, h or d, such as 30s.')
  return ms
}

/** Reads an age such as `2h`, or an instant such as 2026-01-31T12:00:00Z; milliseconds since the epoch. */
export function sinceArgument(text: string): number {
  const age = parseDuration(text)
  const instant = age === undefined ? Date.parse(text) : Date.now() - age
  if (Number.isNaN(instant))
    throw new InvalidArgumentError('Write an age such as 2h, or an instant such as 2026-01-31T12:00:00Z.')
  return instant
}

/** Reads a number from 0. */
export function wholeArgument(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Write a whole number from 0.')
  return Number(text)
}

export const fromOption = (what: string) =>
  new Option('--from <when>', `${what} since: an age such as 2h, or 2026-01-31T12:00:00Z`).argParser(sinceArgument)

export const toOption = (what: string) =>
  new Option('--to <when>', `${what} before: an age such as 5m, or 2026-01-31T13:00:00Z`).argParser(sinceArgument)

/** Reads a count from 1. */
export function countArgument(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Write a whole number from 1.')
  return Number(text)
}
