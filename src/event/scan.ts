/** Checks JSON text and finds where its values lie, without building them: nothing recurses, depth is bounded. */

import { GatewayError } from '../errors.ts'
import { endOfScalar, endOfString, skipSpace, unexpected } from './tokens.ts'

/** The deepest nesting that is read. JSON.parse goes deeper, but what handles its result later may recurse. */
export const MAX_JSON_DEPTH = 128

const COMMA = 0x2c
const COLON = 0x3a
const OPEN_LIST = 0x5b
const OPEN_OBJECT = 0x7b
/** From [ to ] and from { to }. */
const CLOSING = 2

/** Where a value lies: from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Called for each member of an object, `key` the raw text between its quotes; for elements of a list it is empty. */
export type Found = (key: string, start: number, end: number) => void

/**
 * Reads the members of the object that `text` must be, in order. `text` has one character a byte. Throws EVENT_INVALID
 * that says at which byte it is no JSON, or nests too deep.
 */
export const scanObject = (text: string, found: Found): void => scan(text, OPEN_OBJECT, found)

/** Reads the elements of the list that `text` must be, in order; otherwise as `scanObject`. */
export const scanList = (text: string, found: Found): void => scan(text, OPEN_LIST, found)

/** Checks that the text is one JSON value. Throws as `scanObject` does. */
export function checkText(text: string): void {
  const end = skipSpace(text, endOfValue(text, skipSpace(text, 0)))
  if (end < text.length) throw unexpected(text, end)
}

function scan(text: string, open: number, found: Found): void {
  let at = skipSpace(text, 0)
  if (text.charCodeAt(at) !== open) throw wrongKind(text, at, open)
  at = skipSpace(text, at + 1)
  let more = text.charCodeAt(at) !== open + CLOSING
  while (more) {
    let key = ''
    if (open === OPEN_OBJECT) {
      const end = endOfString(text, at)
      key = text.slice(at + 1, end - 1)
      at = afterColon(text, end)
    }
    const end = endOfValue(text, at)
    found(key, at, end)
    at = skipSpace(text, end)
    more = text.charCodeAt(at) === COMMA
    if (more) at = skipSpace(text, at + 1)
  }
  if (text.charCodeAt(at) !== open + CLOSING) throw unexpected(text, at)
  at = skipSpace(text, at + 1)
  if (at < text.length) throw unexpected(text, at)
}

/** What is open, innermost last. Shared: a scan runs from end to end without a pause. */
const opened = new Uint8Array(MAX_JSON_DEPTH)

function endOfValue(text: string, from: number): number {
  let depth = 0
  let at = from
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === OPEN_LIST || code === OPEN_OBJECT) {
      if (depth === MAX_JSON_DEPTH) throw tooDeep(at)
      opened[depth++] = code
      at = skipSpace(text, at + 1)
      if (text.charCodeAt(at) !== code + CLOSING) {
        if (code === OPEN_OBJECT) at = afterColon(text, endOfString(text, at))
        continue
      }
    } else at = endOfScalar(text, at, code)
    // Closes what ends here, up to the next comma.
    for (;;) {
      if (depth === 0) return at
      at = skipSpace(text, at)
      const open = opened[depth - 1] ?? 0
      const next = text.charCodeAt(at)
      if (next !== COMMA && next !== open + CLOSING) throw unexpected(text, at)
      at += 1
      if (next !== COMMA) depth -= 1
      else {
        at = skipSpace(text, at)
        if (open === OPEN_OBJECT) at = afterColon(text, endOfString(text, at))
        break
      }
    }
  }
}

function afterColon(text: string, from: number): number {
  const at = skipSpace(text, from)
  if (text.charCodeAt(at) !== COLON) throw unexpected(text, at)
  return skipSpace(text, at + 1)
}

function wrongKind(text: string, at: number, open: number): GatewayError {
  if (at >= text.length) return unexpected(text, at)
  const wanted = open === OPEN_OBJECT ? 'an object' : 'a list of events'
  return new GatewayError('EVENT_INVALID', `event (json): reading: expected ${wanted} at byte ${at}`)
}

const tooDeep = (at: number): GatewayError =>
  new GatewayError(
    'EVENT_INVALID',
    `event (json): reading: nested deeper than ${MAX_JSON_DEPTH} levels at byte ${at}; send deeper data as data_base64`,
  )
