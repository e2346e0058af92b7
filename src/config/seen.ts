/** What the files of a configuration were just before they were read: one that is another now has changed since. */

import { statSync } from 'node:fs'
import { stat } from 'node:fs/promises'

/** What each file and folder was, by its path; of one that was read twice, what it was first. */
export type Seen = Map<string, string>

interface Found {
  readonly ino: number
  readonly size: number
  readonly mtimeMs: number
}

const stateOf = ({ ino, mtimeMs, size }: Found): string => `${ino} ${size} ${mtimeMs}`
const NONE = 'none'

/** Notes what a file or folder is: to be called before it is read, also when it may not be there. Never throws. */
export function see(seen: Seen | undefined, path: string): void {
  if (seen === undefined || seen.has(path)) return
  try {
    seen.set(path, stateOf(statSync(path)))
  } catch {
    seen.set(path, NONE)
  }
}

/** Resolves to what files and folders are now. Never rejects. */
export async function look(paths: Iterable<string>): Promise<Seen> {
  const state = (path: string): Promise<string> => stat(path).then(stateOf, () => NONE)
  return new Map(await Promise.all([...paths].map(async (path) => [path, await state(path)] as const)))
}

/** Resolves to whether one of them is another now. Never rejects. */
export async function hasChanged(seen: ReadonlyMap<string, string>): Promise<boolean> {
  const now = await look(seen.keys())
  return [...seen].some(([path, state]) => now.get(path) !== state)
}
