/** The tokens of JSON (RFC 8259), in text that has one character a byte: reading a Uint8Array instead took a third longer. */

import { GatewayError } from '../errors.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const MINUS = 0x2d
const PLUS = 0x2b
const DOT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const LOWER_U = 0x75
const ESCAPES = new Set([...'"\\/bfnrt'].map((char) => char.charCodeAt(0)))
const LITERALS = ['true', 'false', 'null']
const HEX = /^[0-9A-Fa-f]{4}$/

/** Returns where something other than white space stands, at or after `from`. */
export function skipSpace(text: string, from: number): number {
  let at = from
  for (;;) {
    const code = text.charCodeAt(at)
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return at
    at += 1
  }
}

/** Returns where the string ends that must begin at `from`: after its closing quote. */
export function endOfString(text: string, from: number): number {
  if (text.charCodeAt(from) !== QUOTE) throw unexpected(text, from)
  let at = from + 1
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at + 1
    if (code === BACKSLASH) at = endOfEscape(text, at + 1)
    else if (code >= 32) at += 1
    // A control character, or NaN: the text has ended.
    else throw unexpected(text, at)
  }
}

function endOfEscape(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (ESCAPES.has(code)) return at + 1
  if (code === LOWER_U && HEX.test(text.slice(at + 1, at + 5))) return at + 5
  throw unexpected(text, at)
}

/** Returns where the string, number or literal ends that must begin at `at` with `code`. */
export function endOfScalar(text: string, at: number, code: number): number {
  if (code === QUOTE) return endOfString(text, at)
  if (code === MINUS || isDigit(code)) return endOfNumber(text, at)
  const literal = LITERALS.find((each) => text.startsWith(each, at))
  if (literal !== undefined) return at + literal.length
  throw unexpected(text, at)
}

function endOfNumber(text: string, from: number): number {
  let at = text.charCodeAt(from) === MINUS ? from + 1 : from
  at = text.charCodeAt(at) === ZERO ? at + 1 : endOfDigits(text, at)
  if (text.charCodeAt(at) === DOT) at = endOfDigits(text, at + 1)
  // E or e
  if ((text.charCodeAt(at) | 0x20) !== 0x65) return at
  const sign = text.charCodeAt(at + 1)
  return endOfDigits(text, sign === PLUS || sign === MINUS ? at + 2 : at + 1)
}

/** At least one digit. */
function endOfDigits(text: string, from: number): number {
  let at = from
  while (isDigit(text.charCodeAt(at))) at += 1
  if (at === from) throw unexpected(text, at)
  return at
}

const isDigit = (code: number): boolean => code >= ZERO && code <= NINE

/** The error that says where the text stops being JSON. Shows one character of it at most. */
export function unexpected(text: string, at: number): GatewayError {
  const what = at < text.length ? `unexpected ${JSON.stringify(text[at])} at byte ${at}` : 'it ends too early'
  return new GatewayError('EVENT_INVALID', `event (json): reading: not JSON: ${what}`)
}
