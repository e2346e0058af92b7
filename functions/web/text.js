/** TextEncoder and TextDecoder, of UTF-8 alone. */

export class TextEncoder {
  encoding = 'utf-8'

  encode(text = '') {
    const bytes = unescape(encodeURIComponent(String(text).toWellFormed()))
    return Uint8Array.from(bytes, (byte) => byte.charCodeAt(0))
  }
}

export class TextDecoder {
  encoding = 'utf-8'
  #fatal
  #ignoreBom

  constructor(label = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
    if (!/^utf-?8$/i.test(label)) throw new RangeError(`"${label}" is not utf-8, which is the only one there is`)
    this.#fatal = fatal
    this.#ignoreBom = ignoreBOM
  }

  decode(given = new Uint8Array()) {
    const bytes = bytesOf(given)
    const text = wellFormed(bytes) ?? (this.#fatal ? undefined : withReplacements(bytes))
    if (text === undefined) throw new TypeError('the bytes are not UTF-8')
    return !this.#ignoreBom && text.startsWith('\ufeff') ? text.slice(1) : text
  }
}

const bytesOf = (given) =>
  ArrayBuffer.isView(given) ? new Uint8Array(given.buffer, given.byteOffset, given.byteLength) : new Uint8Array(given)

/** Undefined when it is not. */
function wellFormed(bytes) {
  const parts = []
  // As many arguments as an engine takes.
  for (let at = 0; at < bytes.length; at += 8192)
    parts.push(String.fromCharCode.apply(undefined, bytes.subarray(at, at + 8192)))
  try {
    return decodeURIComponent(escape(parts.join('')))
  } catch {
    return undefined
  }
}

/** The longest parts that are well-formed, and a replacement for each byte that is in none. */
function withReplacements(bytes) {
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = lengthAt(bytes[at])
    const one = wellFormed(bytes.subarray(at, at + length))
    text += one ?? '\ufffd'
    at += one === undefined ? 1 : length
  }
  return text
}

const lengthAt = (byte) => (byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4)
