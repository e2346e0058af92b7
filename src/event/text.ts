/** What the attribute types of CloudEvents look like as text: strings, URIs, timestamps, media types, names. */

const PRINTABLE = /^[\x20-\x7e]*$/
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u

/** True for what CloudEvents 1.0.2 section 2 calls a String: no control characters, surrogates or noncharacters. */
export const isText = (text: string): boolean => PRINTABLE.test(text) || !FORBIDDEN.test(text)

/** The attributes that the specification names: never extensions. */
export const CONTEXT_ATTRIBUTES: ReadonlySet<string> = new Set([
  'specversion',
  'id',
  'source',
  'type',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
])

const NAME = /^[a-z0-9]+$/

/** True for a name that an attribute may have: lower-case letters and digits. `data` is taken. */
export const isAttributeName = (name: string): boolean => NAME.test(name) && name !== 'data'

/** The parts of a URI reference: RFC 3986, appendix B. */
const PARTS = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#([\s\S]*))?$/
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/
const AUTHORITY = /^(?:[\w.~!$&'()*+,;=:%-]*@)?(?:\[[0-9A-Fa-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/
const PATH = /^[\w.~!$&'()*+,;=:@/%-]*$/
const QUERY = /^[\w.~!$&'()*+,;=:@/?%-]*$/
const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/

/** True for a URI reference by RFC 3986, relative ones included. The empty one counts too: callers refuse it. */
export function isUriReference(text: string): boolean {
  const [, scheme, authority, path = '', query = '', fragment = ''] = PARTS.exec(text) ?? ['', '', '', '\0']
  return (
    (scheme === undefined || SCHEME.test(scheme)) &&
    (authority === undefined || AUTHORITY.test(authority)) &&
    PATH.test(path) &&
    QUERY.test(query) &&
    QUERY.test(fragment) &&
    !BAD_ESCAPE.test(text)
  )
}

/** True for a URI that names its scheme. */
export const isUri = (text: string): boolean => /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) && isUriReference(text)

const HOUR = '(?:[01]\\d|2[0-3])'
const MINUTE = '[0-5]\\d'
/** The day is checked apart: months differ. 60 is a leap second. */
const TIMESTAMP = new RegExp(
  `^\\d{4}-\\d\\d-\\d\\d[Tt]${HOUR}:${MINUTE}:(?:${MINUTE}|60)(?:\\.\\d+)?(?:[Zz]|[+-]${HOUR}:${MINUTE})$`,
)

/** True for a timestamp by RFC 3339: an instant that exists, leap seconds included. */
export function isTimestamp(text: string): boolean {
  if (!TIMESTAMP.test(text)) return false
  const month = Number(text.slice(5, 7))
  const day = Number(text.slice(8, 10))
  return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(Number(text.slice(0, 4)), month)
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}

const MEDIA_TYPE =
  /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:[ \t]*;[ \t]*(?:[\w!#$%&'*+.^`|~-]+=(?:[\w!#$%&'*+.^`|~-]+|"(?:[^"\\]|\\.)*"))?)*[ \t]*$/

/** True for a media type with its parameters, such as `text/plain; charset=utf-8`. */
export const isMediaType = (text: string): boolean => MEDIA_TYPE.test(text)

/** Returns `type/subtype` in lower case, without parameters. */
export function mediaType(contentType: string): string {
  const end = contentType.indexOf(';')
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
}

/** True when data of this media type is JSON; an absent one counts as JSON, as in the JSON format. */
export function isJsonType(contentType: string | undefined): boolean {
  if (contentType === undefined || contentType === 'application/json') return true
  const type = mediaType(contentType)
  return type.endsWith('/json') || type.endsWith('+json')
}

/** What MQTT has room for in one text [MQTT-1.5.4], in bytes: of a longer one no property could be made. */
export const TEXT_BYTES = 65_535

/** Whether a text has more than `TEXT_BYTES` as UTF-8. */
export const isTooLong = (text: string): boolean =>
  // A character has three bytes at most.
  text.length * 3 > TEXT_BYTES && Buffer.byteLength(text) > TEXT_BYTES
