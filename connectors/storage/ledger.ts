/** The files that a directory source has told of, as its cursor keeps them. */

import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { FileSeen } from './normalize.ts'

const VERSION = '1 '
/** Some 8 us for each file at the default level, 2 at this one, and not much longer. */
const LEVEL = { level: 1 }
const [pack, unpack] = [promisify(gzip), promisify(gunzip)]

/** Resolves with the text of the cursor. 100,000 files take about a megabyte. */
export async function writeLedger(files: Iterable<readonly [path: string, stamp: string]>): Promise<string> {
  let text = ''
  // No path has a NUL in it.
  for (const [path, stamp] of files) text += `${path}\0${stamp}\0`
  return VERSION + (await pack(text, LEVEL)).toString('base64')
}

/** Resolves with the files of a cursor, by path; with none when it is of no form that is known. */
export async function readLedger(cursor: string | undefined): Promise<Map<string, FileSeen['stamp']>> {
  const files = new Map<string, string>()
  if (!cursor?.startsWith(VERSION)) return files
  const parts = (await unpack(Buffer.from(cursor.slice(VERSION.length), 'base64'))).toString().split('\0')
  for (let at = 0; at + 1 < parts.length; at += 2) files.set(parts[at] ?? '', parts[at + 1] ?? '')
  return files
}
