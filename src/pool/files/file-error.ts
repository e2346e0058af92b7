/** What goes wrong with files: by the names that POSIX has for it, whatever interface tells it to the guest. */

import type { Wanted } from '../grants.ts'

/** Thrown where a guest asks for what cannot be; those of node:fs have a `code`, too. */
export class FileError extends Error {
  readonly code: string

  constructor(code: string, message = code) {
    super(message)
    this.code = code
  }
}

/** Thrown where a guest asks for what it is not allowed; it is told, and counted. */
export class FileRefusal extends FileError {
  readonly wanted: Wanted | undefined

  constructor(wanted: Wanted | undefined, code = 'ENOTCAPABLE') {
    super(code, 'refused')
    this.wanted = wanted
  }
}

/** The name of what went wrong; undefined when that is no matter of files. */
export function fileCode(error: unknown): string | undefined {
  if (error instanceof FileError) return error.code
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined
}
