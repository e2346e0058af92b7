/** What a command reads: a file, standard input, or text from the command line. */

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { inputError } from './exit.ts'

/** Reads a file, or standard input for `-`. Rejects with what is wrong with the path. */
export async function readInput(path: string): Promise<Buffer> {
  if (path === '-') return buffer(process.stdin)
  try {
    return await readFile(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const reason = { ENOENT: 'no such file', EISDIR: 'it is a folder', EACCES: 'not allowed' }[code] ?? code
    throw inputError(`reading "${path}": ${reason}`)
  }
}

/** Resolves to the .wasm file that a path is, or that an OCI image layout holds. Rejects with what is wrong with a layout. */
export async function functionFile(path: string): Promise<string> {
  const { findFile } = await import('../config/layout.ts')
  const found = findFile(resolve(path))
  if (found && 'wrong' in found) throw inputError(`"${path}" ${found.wrong}`)
  // Of one that is not there whoever reads it says so, as it was written.
  return found && found.file !== resolve(path) ? found.file : path
}

/** Reads data as it is given on the command line: the text itself, `@file`, or `-` for standard input. */
export async function readData(text: string): Promise<Buffer> {
  if (text === '-') return readInput('-')
  return text.startsWith('@') ? readInput(text.slice(1)) : Buffer.from(text)
}

/** The content type of data for which none was named: what it turns out to be. */
export function contentTypeOf(data: Uint8Array): string {
  const text = Buffer.from(data).toString()
  try {
    JSON.parse(text)
    return 'application/json'
  } catch {
    return text.includes('\uFFFD') ? 'application/octet-stream' : 'text/plain; charset=utf-8'
  }
}

/** Returns data that is JSON. Throws what to write instead when it is not. */
export function requireJson(data: Buffer): Buffer {
  try {
    JSON.parse(data.toString())
    return data
  } catch {
    throw inputError(`--data: not JSON; text is written with its quotes, as in --data '"text"'`)
  }
}
