/** What went wrong with Postgres, in words, and what an operator can do about it. */

import { type ErrorCode, GatewayError } from '#connector'
import { endpointOf } from './connection.ts'

/** What a step of a source cannot go on with, and what to do. */
export class Trouble extends Error {
  readonly advice: string

  constructor(message: string, advice: string) {
    super(message)
    this.advice = advice
  }
}

/** By SQLSTATE. */
const ADVICE: Readonly<Record<string, string>> = {
  '28000': 'pg_hba.conf must let this user in, for replication as well',
  '28P01': 'check the user and the password in the url',
  '3D000': 'check the name of the database in the url',
  '42501':
    'the role needs REPLICATION ("alter role ... replication"), select on the tables, and to own them to publish them; or set create: false and make slot and publications as another role',
  '53300': 'raise max_connections',
  '53400': 'raise max_replication_slots and max_wal_senders, or drop a slot that nobody reads',
  '55006': 'it is read by somebody else',
  '55000': 'set wal_level=logical and restart the server',
}

/** SQLSTATE of what the server said. */
export const stateOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code)
    ? error.code
    : undefined

export interface Doing {
  /** `<name> (postgres)` */
  readonly who: string
  readonly url: string
  readonly doing: string
}

/** Returns what was thrown as an error of the gateway, which names the place and no secret. */
export function troubled(
  thrown: unknown,
  { who, url, doing }: Doing,
  code: ErrorCode = 'SOURCE_UNAVAILABLE',
): GatewayError {
  if (thrown instanceof GatewayError) return thrown
  const at = `"${endpointOf(url)}"`
  const state = stateOf(thrown)
  const advice = thrown instanceof Trouble ? thrown.advice : state && ADVICE[state]
  const what =
    thrown instanceof Trouble || state ? `${at}: ${wordsOf(thrown)}` : `no answer from ${at}: ${wordsOf(thrown)}`
  // Not as the cause: what the server says may repeat data.
  return new GatewayError(code, hide(`${who}: ${doing}: ${what}${advice ? `; ${advice}` : ''}`, url), {
    fingerprint: `postgres ${state ?? 'connection'}`,
  })
}

/** An attempt at several addresses has an error for each, and no words of its own. */
function wordsOf(thrown: unknown): string {
  if (thrown instanceof AggregateError) return thrown.errors.map(wordsOf).join(', ')
  if (!(thrown instanceof Error)) return String(thrown)
  const words = thrown.message || ('code' in thrown ? String(thrown.code) : thrown.name)
  return words.slice(0, 1).toLowerCase() + words.slice(1)
}

/** Takes the password, and the whole url, out of a text. */
export function hide(text: string, url: string): string {
  const { password } = new URL(url)
  const secrets = [url, decodeURIComponent(password), password].filter(({ length }) => length > 3)
  return secrets.reduce((left, secret) => left.replaceAll(secret, '(hidden)'), text)
}
