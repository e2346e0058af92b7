/** What an expression sees of an event: each attribute by its name, `data`, `topic`, and `event` for asking what is there. */

import { isUtf8 } from 'node:buffer'
import type { CloudEvent, ExtensionValue, Origin } from '../event/index.ts'

/** The attributes that the specification names; each is text. */
export const ATTRIBUTES = [
  'id',
  'source',
  'type',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
  'specversion',
] as const

/** Every name that an expression may use beside extension attributes. */
export const NAMES: readonly string[] = [...ATTRIBUTES, 'topic', 'data', 'event']

const JSON_TYPE = /^[^;]*[/+]json\s*(;|$)/i
const NO_DATA = Symbol('no data')
const decoder = new TextDecoder()

/**
 * The variables of one event. Built for each match: nothing is parsed until an expression asks for it. An attribute
 * that the event does not have is undefined, which an expression meets as an error.
 *
 * Its prototype chain ends here, so that an extension called `constructor` finds nothing of JavaScript's.
 */
export class Variables {
  readonly [name: string]: unknown
  #data: unknown = NO_DATA
  readonly #event: CloudEvent

  constructor(event: CloudEvent, origin: Origin) {
    this.#event = event
    const own = this as Record<string, unknown>
    if (event.extensions) for (const name in event.extensions) own[name] = value(event.extensions[name])
    for (const name of ATTRIBUTES) own[name] = event[name]
    own['topic'] = origin.address
  }

  /** The event of these variables. Static: an expression finds by name whatever the variables themselves have. */
  static eventOf(variables: Variables): CloudEvent {
    return variables.#event
  }

  /** The body: parsed when it is JSON, text when it is other text, else bytes; undefined when there is none to read. */
  get data(): unknown {
    if (this.#data === NO_DATA) this.#data = readData(this.#event)
    return this.#data
  }

  /** All attributes that the event has, by name: `has(event.subject)`. */
  get event(): unknown {
    const { data: _, extensions, ...attributes } = this.#event
    const all = new Map<string, unknown>(Object.entries(attributes))
    for (const [name, held] of Object.entries(extensions ?? {})) all.set(name, value(held))
    return all
  }
}

Object.setPrototypeOf(Variables.prototype, null)
Reflect.deleteProperty(Variables.prototype, 'constructor')

/** A CloudEvents Integer is an int to CEL; a number of JavaScript would be a double. */
const value = (held: ExtensionValue | undefined): unknown => (Number.isInteger(held) ? BigInt(Number(held)) : held)

function readData({ data, datacontenttype }: CloudEvent): unknown {
  if (data === undefined) return undefined
  const declared = datacontenttype !== undefined && JSON_TYPE.test(datacontenttype)
  if (!declared && datacontenttype !== undefined) return isUtf8(data) ? decoder.decode(data) : data
  const text = decoder.decode(data)
  try {
    // The evaluator asks each object for its constructor's name: a field of that name would answer in its place.
    return text.includes('constructor') ? JSON.parse(text, asMap) : JSON.parse(text)
  } catch {
    return declared ? undefined : text
  }
}

/** For `JSON.parse`: objects become Maps. */
const asMap = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : value
