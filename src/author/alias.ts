/**
 * Another name for interfaces of WASI, for as long as a component is made. componentize-qjs runs it once, with WASI of its
 * own and what is beyond that made up: wasi:http, made up, would be handed streams that are not.
 */

const SHARED = 'io|clocks|http'
/** As long as that which it stands for. */
const ALIAS = 'wasx:'
const ALIASED = new RegExp(`\\bwasi:(?=(?:${SHARED})[/@])`, 'g')
const IMPORTED = new RegExp(`(\\bfrom\\s*["'])wasi:(?=(?:${SHARED})/)`, 'g')

/** WIT, with the other name. */
export const aliasedWit = (wit: string): string => wit.replace(ALIASED, ALIAS)

/** A module that imports them, with the other name. */
export const aliasedModule = (code: string): string => code.replace(IMPORTED, `$1${ALIAS}`)

/** Of the sections of a component, that of its imports. */
const IMPORTS = 10
const HEADER_BYTES = 8

/** The component as it was meant: its imports go by their own names again. */
export function unaliased(component: Uint8Array): Uint8Array {
  const bytes = Buffer.from(component)
  for (let at = HEADER_BYTES; at < bytes.length; ) {
    const id = bytes[at]
    const { value: size, next } = unsigned(bytes, at + 1)
    at = next + size
    if (id === IMPORTS) rename(bytes.subarray(next, at))
  }
  return bytes
}

function rename(section: Buffer): void {
  for (let at = section.indexOf(ALIAS); at >= 0; at = section.indexOf(ALIAS, at)) section.write('wasi:', at, 'latin1')
}

/** LEB128. */
function unsigned(bytes: Uint8Array, from: number): { readonly value: number; readonly next: number } {
  let value = 0
  for (let at = from, shift = 0; ; at++, shift += 7) {
    const byte = bytes[at] ?? 0
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return { value, next: at + 1 }
  }
}
