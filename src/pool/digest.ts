/** The digest of a function's file: had together with its bytes, and without reading it again while it stays the same file. */

import { hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'

/** What a file holds. */
export interface Contents {
  /** SHA-256 of the bytes, in hexadecimal. */
  readonly sha256: string
  readonly bytes: Buffer
}

/** What is known of a file; the bytes when it was read for that. */
export type Looked = Contents | { readonly sha256: string; readonly bytes?: never }

interface Held {
  /** What the file was when it was read. */
  readonly stamp: string
  readonly sha256: string
}

/** The times of some file systems are two seconds apart: another write within that may leave no trace in them. */
const SETTLED_MS = 2_000

/** By path. */
const held = new Map<string, Held>()

/** Resolves to the bytes of a file and their digest. Rejects as `readFile` does. */
export async function readContents(path: string): Promise<Contents> {
  await using file = await open(path)
  return await read(file, path, await stampOf(file))
}

/** Resolves to the digest of a file, which is read when it may have changed since it was last. Rejects as `readFile` does. */
export async function lookAt(path: string): Promise<Looked> {
  await using file = await open(path)
  const stamp = await stampOf(file)
  const known = held.get(path)
  const same = known !== undefined && known.stamp === stamp
  // Awaited while the file is open.
  return same ? { sha256: known.sha256 } : await read(file, path, stamp)
}

/** Resolves to the SHA-256 of a file, in hexadecimal; empty when it cannot be read. */
export const digestOf = (path: string): Promise<string> =>
  lookAt(path).then(
    ({ sha256 }) => sha256,
    () => '',
  )

async function read(file: FileHandle, path: string, stamp: string | undefined): Promise<Contents> {
  const bytes = await file.readFile()
  const sha256 = hash('sha256', bytes)
  if (stamp === undefined) held.delete(path)
  else held.set(path, { stamp, sha256 })
  return { sha256, bytes }
}

/** Another one for whatever is written to the path; undefined for a file that was written too lately to tell. */
async function stampOf(file: FileHandle): Promise<string | undefined> {
  const { ctimeNs, dev, ino, mtimeMs, mtimeNs, size } = await file.stat({ bigint: true })
  return Date.now() - Number(mtimeMs) < SETTLED_MS ? undefined : [dev, ino, size, mtimeNs, ctimeNs].join()
}
