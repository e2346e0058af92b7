/** Finds where the values of a JSON text lie, without building them: nothing recurses, depth is bounded. */

import { GatewayError } from '../errors.ts'

/** The deepest nesting that is read. JSON.parse goes deeper, but what handles its result later may recurse. */
export const MAX_JSON_DEPTH = 128

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** Where a value lies: from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

/**
 * Calls `found` for each member of the object, or each element of the list, that `text` is, in order; `key` is the raw
 * text between the quotes, empty for elements. Of text that is not JSON the spans mean nothing: JSON.parse it too.
 * Throws EVENT_INVALID when the nesting is too deep.
 */
export function scanJson(text: string, found: (key: string, start: number, end: number) => void): void {
  let at = skipSpace(text, 0)
  const isObject = text.charCodeAt(at) === OPEN_OBJECT
  at = skipSpace(text, at + 1)
  while (at < text.length) {
    let key = ''
    if (isObject) {
      const end = skipString(text, at)
      key = text.slice(at + 1, end - 1)
      at = skipSpace(text, skipSpace(text, end) + 1)
    }
    const end = skipValue(text, at)
    if (end > at) found(key, at, end)
    at = skipSpace(text, end)
    if (text.charCodeAt(at) !== COMMA) return
    at = skipSpace(text, at + 1)
  }
}

/** Checks that no value of the text nests deeper than is read. Throws EVENT_INVALID when one does. */
export function checkDepth(text: string): void {
  skipValue(text, skipSpace(text, 0))
}

function skipSpace(text: string, from: number): number {
  let at = from
  for (let code = text.charCodeAt(at); code === 32 || (code >= 9 && code <= 13); code = text.charCodeAt(at)) at++
  return at
}

/** From the opening quote to after the closing one; a quote behind an odd number of backslashes is not the end. */
function skipString(text: string, from: number): number {
  let at = from
  for (;;) {
    at = text.indexOf('"', at + 1)
    if (at < 0) return text.length
    let slashes = 0
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return at + 1
  }
}

function skipValue(text: string, from: number): number {
  const first = text.charCodeAt(from)
  if (first === QUOTE) return skipString(text, from)
  if (first === OPEN_OBJECT || first === OPEN_LIST) return skipNested(text, from)
  let at = from
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === COMMA || code === CLOSE_LIST || code === CLOSE_OBJECT || code <= 32) break
  }
  return at
}

function skipNested(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = skipString(text, at) - 1
    else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      if (++depth > MAX_JSON_DEPTH) throw tooDeep(at)
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      if (--depth === 0) return at + 1
    }
  }
  return text.length
}

const tooDeep = (at: number): GatewayError =>
  new GatewayError(
    'EVENT_INVALID',
    `event (json): reading: nested deeper than ${MAX_JSON_DEPTH} levels at byte ${at}; send deeper data as data_base64`,
  )
