/** Every attribute rule of CloudEvents 1.0.2, said in words when it is broken. */

import { GatewayError } from '../errors.ts'
import type { CloudEvent } from './event.ts'
import {
  CONTEXT_ATTRIBUTES,
  isAttributeName,
  isMediaType,
  isText,
  isTimestamp,
  isTooLong,
  isUri,
  isUriReference,
  TEXT_BYTES,
} from './text.ts'

const NONE: readonly string[] = Object.freeze([])
const INT32 = 2 ** 31

interface Rule {
  readonly required: boolean
  readonly holds: (text: string) => boolean
  readonly wanted: string
}

const RULES = {
  id: { required: true, holds: isText, wanted: 'text without control characters' },
  source: { required: true, holds: isUriReference, wanted: 'a URI reference (RFC 3986), such as /orders/eu' },
  type: { required: true, holds: isText, wanted: 'text without control characters' },
  subject: { required: false, holds: isText, wanted: 'text without control characters' },
  time: { required: false, holds: isTimestamp, wanted: 'a timestamp (RFC 3339), such as 2026-01-31T12:00:00Z' },
  datacontenttype: { required: false, holds: isMediaType, wanted: 'a media type, such as application/json' },
  dataschema: { required: false, holds: isUri, wanted: 'a URI with its scheme, such as https://example.com/order' },
} as const satisfies Record<string, Rule>

const NAMES = Object.keys(RULES) as readonly (keyof typeof RULES)[]

/** Returns what is wrong with the event, one sentence each; empty when nothing is. Never throws, whatever it is given. */
export function validateEvent(event: CloudEvent): readonly string[] {
  let problems: string[] | undefined
  const add = (problem: string | undefined): void => {
    if (problem === undefined) return
    problems ??= []
    problems.push(problem)
  }
  if (event.specversion !== '1.0') add(versionProblem(event.specversion))
  for (const name of NAMES) add(attributeProblem(name, RULES[name], event[name]))
  if (event.extensions !== undefined) for (const problem of extensionProblems(event.extensions)) add(problem)
  if (event.data !== undefined && !((event.data as unknown) instanceof Uint8Array)) add('"data" is not bytes')
  return problems ?? NONE
}

/** Returns the event. Throws EVENT_INVALID that names each broken rule; `doing` says what was going on, such as `event (json): reading`. */
export function checkEvent(event: CloudEvent, doing: string): CloudEvent {
  const problems = validateEvent(event)
  if (problems.length === 0) return event
  throw new GatewayError('EVENT_INVALID', `${doing}: ${problems.join('; ')}`)
}

function versionProblem(version: unknown): string {
  return version === undefined
    ? '"specversion" is missing; write 1.0'
    : `"specversion" is ${shown(version)}; only "1.0" is known`
}

function attributeProblem(name: string, rule: Rule, value: unknown): string | undefined {
  if (value === undefined) return rule.required ? `"${name}" is missing` : undefined
  if (typeof value !== 'string') return `"${name}" is ${shown(value)}; it must be a string`
  if (value === '') return `"${name}" is empty`
  if (isTooLong(value)) return tooLong(name, value)
  return rule.holds(value) ? undefined : `"${name}" is ${shown(value)}; it must be ${rule.wanted}`
}

function* extensionProblems(extensions: object): Generator<string> {
  for (const [name, value] of Object.entries(extensions)) {
    if (!isAttributeName(name) || CONTEXT_ATTRIBUTES.has(name)) yield nameProblem(name)
    else {
      const problem = valueProblem(name, value)
      if (problem !== undefined) yield problem
    }
  }
}

const nameProblem = (name: string): string =>
  isAttributeName(name)
    ? `${shown(name)} is an attribute of the specification; it cannot be an extension`
    : `${shown(name)} cannot name an extension; names are lower-case letters a-z and digits, and not "data"`

function valueProblem(name: string, value: unknown): string | undefined {
  if (typeof value === 'boolean') return undefined
  if (typeof value === 'number')
    return Number.isInteger(value) && value >= -INT32 && value < INT32
      ? undefined
      : `extension "${name}" is ${value}; numbers are whole, from -2147483648 to 2147483647; write others as strings`
  if (typeof value !== 'string') return `extension "${name}" is ${shown(value)}; it must be a string, number or boolean`
  if (isTooLong(value)) return tooLong(`extension ${name}`, value)
  return isText(value)
    ? undefined
    : `extension "${name}" is ${shown(value)}; it must be text without control characters`
}

const tooLong = (name: string, value: string): string =>
  `"${name}" has ${Buffer.byteLength(value)} bytes; at most ${TEXT_BYTES} are taken: MQTT has room for no more`

/** A value as an error shows it: quoted, escaped, short. */
export function shown(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  const text = typeof value === 'string' ? value : String(value)
  const quoted = JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}...` : text)
  return typeof value === 'string' ? quoted : text.slice(0, 64)
}
