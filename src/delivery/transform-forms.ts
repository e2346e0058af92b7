/** What a JSONata expression sees of an event or an answer, and what its result makes of them. Runs in the processes. */

import { isUtf8 } from 'node:buffer'
import type { CloudEvent } from '../event/event.ts'
import { isJsonType } from '../event/text.ts'

/** An event in the JSON format of CloudEvents: attributes and extensions at the top, beside `data` or `data_base64`. */
export type Form = Readonly<Record<string, unknown>>

/** A body as a result gives it. */
export interface MadeBody {
  /** The bytes are those that there were: they need not come back. */
  readonly kept?: true
  readonly data?: Uint8Array
  readonly datacontenttype?: string
}

/** An event as a result gives it. */
export interface MadeEvent extends MadeBody {
  /** The attributes and extensions that it names, as JSON; null takes one away. */
  readonly attributes: string
}

/** A result, or an event, that cannot be used; the message says why. */
export class Unusable extends Error {}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
/** Data without a type are JSON to the JSON format; here they are what they turn out to be. */
const isJson = (type: string | undefined): boolean => type !== undefined && isJsonType(type)

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** Data as `when` sees them: parsed when they are JSON, else text, else base64. Throws Unusable when they only claim to be JSON. */
export function readBody(data: Uint8Array | undefined, datacontenttype: string | undefined): Form {
  if (data === undefined) return {}
  const declared = isJson(datacontenttype)
  if (!isUtf8(data)) {
    if (declared) throw notJson(datacontenttype)
    return { data_base64: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64') }
  }
  const text = decoder.decode(data)
  if (!declared && datacontenttype !== undefined) return { data: text }
  try {
    return { data: JSON.parse(text) as unknown }
  } catch {
    if (declared) throw notJson(datacontenttype)
    return { data: text }
  }
}

const notJson = (type: string | undefined): Unusable =>
  new Unusable(`the data are not JSON, as "${type}" says they are`)

/** The event as an expression begins at it. */
export function formOf({ data, extensions, ...attributes }: CloudEvent): Form {
  return { ...attributes, ...extensions, ...readBody(data, attributes.datacontenttype) }
}

/** What a result makes of the event that was seen as `given`. Throws Unusable. */
export function makeEvent(result: unknown, given: Form): MadeEvent {
  if (typeof result !== 'object' || result === null || Array.isArray(result))
    throw new Unusable(`it gives ${kindOf(result)}; an event is an object, such as {"data": ...}`)
  const { data, data_base64: base64, datacontenttype, ...attributes } = result as Form
  const named = typeof datacontenttype === 'string' ? datacontenttype : undefined
  const held = typeof given['datacontenttype'] === 'string' ? given['datacontenttype'] : undefined
  const body = eventBody({ data, base64 }, given, { named, held })
  const type = datacontenttype === undefined ? {} : { datacontenttype }
  return { ...body, attributes: toJson({ ...attributes, ...type }) }
}

interface Types {
  /** What the result says. */
  readonly named: string | undefined
  /** What the event said. */
  readonly held: string | undefined
}

/** A member that is what it was goes along; of the two only one can be new. */
function eventBody(made: { data: unknown; base64: unknown }, given: Form, { named, held }: Types): MadeBody {
  const { base64, data } = made
  const newData = data !== undefined && !(Object.hasOwn(given, 'data') && data === given['data'])
  const newBase64 = base64 !== undefined && base64 !== given['data_base64']
  if (newData && newBase64) throw new Unusable('it gives both "data" and "data_base64"; give one')
  if (newBase64) {
    if (typeof base64 !== 'string' || base64.length % 4 !== 0 || !BASE64.test(base64))
      throw new Unusable('"data_base64" is not base64 (RFC 4648, section 4, with padding)')
    return { data: Uint8Array.from(Buffer.from(base64, 'base64')) }
  }
  if (newData) {
    if (named !== undefined && !isJson(named) && typeof data !== 'string')
      throw new Unusable(`"data" is ${kindOf(data)}, which "${named}" is not; make a text of it`)
    return writeBody(data, named ?? held)
  }
  return data === undefined && base64 === undefined ? {} : { kept: true }
}

/** What a result makes of an answer that was seen as `given`: a body, or none. Throws Unusable. */
export function makeReply(result: unknown, given: Form, datacontenttype: string | undefined): MadeBody {
  if (result === undefined) return {}
  if (Object.hasOwn(given, 'data') && result === given['data']) return { kept: true }
  return writeBody(result, datacontenttype)
}

/** A text is one where its type is no JSON; everything else is JSON, whatever it was before. */
function writeBody(value: unknown, type: string | undefined): MadeBody {
  if (typeof value === 'string' && !isJson(type))
    return { data: encoder.encode(value), datacontenttype: type ?? 'text/plain' }
  const json = isJson(type) ? type : undefined
  return { data: encoder.encode(toJson(value)), datacontenttype: json ?? 'application/json' }
}

/** A function of JSONata carries all that it could see, itself included: nothing of that is for anybody. */
function toJson(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    if (error instanceof RangeError) throw error
  }
  if (text === undefined || text.includes('"_jsonata_'))
    throw new Unusable('it gives a function; call it, or leave it out')
  return text
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'string' ? 'text' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
