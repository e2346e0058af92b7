/** Small values that sources keep between runs, each under a name. */

import { nameKey } from './keys.ts'
import { openBytes, sealBytes } from './record.ts'
import { type Change, damage, type Store } from './store.ts'

/** Reads the value of a name; undefined when it has none. Throws `JOURNAL_CORRUPT` when its bytes are damaged. */
export function readCursor(store: Store, name: string): string | undefined {
  const stored = store.get(nameKey(name))
  if (stored === undefined) return undefined
  const value = openBytes(stored)
  if (value === undefined) throw damage(store.path, `the cursor "${name}"`)
  return value.toString()
}

export const writeCursor = (name: string, value: string): Change => [nameKey(name), sealBytes(Buffer.from(value))]
