/** What V8 made of the code around a component, kept beside it on disk: without it a first instance takes up to ten times as long. */

import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { Script } from 'node:vm'

const HASH = 32

/** Scripts of which nothing sound was found, by where that is to be kept. */
const fresh = new Map<string, Script>()

/** Runs a source and returns what it evaluates to; `path` is where what V8 makes of it is kept, if that is wanted. */
export function evaluateKept(source: string, filename: string, path: string | undefined): unknown {
  const cachedData = path === undefined ? undefined : read(path)
  const script = new Script(source, { filename, ...(cachedData && { cachedData }) })
  // V8 refuses what another version of it made, or with other flags.
  if (path !== undefined && (!cachedData || script.cachedDataRejected)) fresh.set(path, script)
  return script.runInThisContext()
}

/**
 * Writes what was compiled of scripts that were new. Called after their first call: what never ran is not compiled, and
 * not in it. A folder that cannot be written costs time at the next start, and nothing else.
 */
export function keepCompiled(): void {
  for (const [path, script] of fresh) {
    const body = script.createCachedData()
    // Several workers do this at once.
    const part = `${path}.${process.hrtime.bigint()}`
    try {
      writeFileSync(part, Buffer.concat([seal(path, body), body]), { mode: 0o600 })
      renameSync(part, path)
    } catch {
      rmSync(part, { force: true })
    }
  }
  fresh.clear()
}

/** It holds under its own name alone, which says what component, version of our tools and of V8 it was made from. */
const seal = (path: string, body: Uint8Array): Buffer =>
  createHash('sha256').update(basename(path)).update(body).digest()

/** Undefined when there is none, when it is not what was written, and when others may have written it. */
function read(path: string): Buffer | undefined {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    if (!isOwn(fstatSync(file))) return undefined
    const bytes = readFileSync(file)
    const body = bytes.subarray(HASH)
    return seal(path, body).equals(bytes.subarray(0, HASH)) ? body : undefined
  } catch {
    return undefined
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** Whether nobody but this user could have written a file. */
export const isOwn = ({ mode, uid }: { readonly mode: number; readonly uid: number }): boolean =>
  uid === (process.getuid?.() ?? uid) && (mode & 0o022) === 0
