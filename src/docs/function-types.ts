/** The types of all that a function may import and export, for authors in JavaScript and TypeScript, as jco makes them of functions/wit. */

import { fileURLToPath } from 'node:url'
import { generateGuestTypes } from '@bytecodealliance/jco-transpile'
import { _setPreopens } from '@bytecodealliance/preview2-shim/filesystem'

const WIT = fileURLToPath(new URL('../../functions/wit', import.meta.url))

/** Resolves to the declarations, by their paths below the folder that they belong in. */
export async function functionTypes(): Promise<ReadonlyMap<string, string>> {
  // jco's own WASI host opens no folder by itself since preview2-shim 0.26.
  Reflect.apply(_setPreopens, undefined, [{ '/': '/' }])
  const files = await generateGuestTypes(WIT, { name: 'full', worldName: 'full', guest: true })
  const texts = Object.entries(files).map(([path, bytes]): [string, string] => [path, textOf(bytes)])
  return new Map(texts.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString().replaceAll(/ +$/gm, '')
