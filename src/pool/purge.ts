/** Keeps what is made of functions on disk from growing for ever: what nobody has used for long goes, and what was half-written. */

import { lstat, readdir, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'

const DAY_MS = 86_400_000
/** A version is rolled back to within this time, if at all; made again it takes half a second. */
const UNUSED_MS = 30 * DAY_MS
/** Writing one takes no second: whoever began it so long ago has ended. */
const HALF_WRITTEN_MS = 3_600_000

/** What is made of a component, what V8 makes of that, and in the last group, what either is called until it is whole. */
const NAME = /^[0-9a-f]{32}\.jco-\d+\.\d+\.\d+-\d+(?:\.v8-[\w.-]+-[a-z]\w*)?(\.\d+)?$/

/**
 * Removes from a folder what was not used for a month: the time at which a file changed last is that of its last use, and
 * the `used` ones are used now. Resolves when it is through; never rejects. What cannot be removed stays, and files of
 * other names are none of ours.
 */
export async function purge(folder: string, used: ReadonlySet<string>, now = Date.now()): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const [ours, part] = NAME.exec(name) ?? []
    const path = join(folder, name)
    if (ours === undefined) continue
    const work = used.has(path) ? utimes(path, now / 1_000, now / 1_000) : dropOld(path, part !== undefined, now)
    // Another process may have removed it just now.
    await work.catch(() => {})
  }
}

async function dropOld(path: string, isPart: boolean, now: number): Promise<void> {
  const { mtimeMs, size } = await lstat(path)
  // A machine that lost its power may leave a name with nothing behind it.
  if (now - mtimeMs > (isPart || size === 0 ? HALF_WRITTEN_MS : UNUSED_MS)) await rm(path)
}
