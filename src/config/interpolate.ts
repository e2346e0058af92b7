/** Puts environment variables and the contents of files in place of `${NAME}` and `${file:path}`. */

import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { nearest } from '../schema/index.ts'
import { type Seen, see } from './seen.ts'

export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Notes the files whose contents are put in. */
  readonly seen?: Seen | undefined
}

/** What was put in a text. */
export interface Hidden {
  readonly name: string
  readonly value: string
}

export interface Interpolated {
  readonly value: unknown
  /** What was put in, to be kept out of every message. */
  readonly hidden: readonly Hidden[]
  readonly wrong: readonly { readonly offset: number; readonly message: string; readonly suggestion?: string }[]
}

const REFERENCE = /\$(\$)?\{([^}]*)\}/g
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const MAX_FILE = 1_048_576

/**
 * Replaces each reference; `$${` stands for `${`. An unquoted value that is one reference and nothing else takes the
 * type that it looks like, as YAML does for values that are written out; a quoted one is text. One that stands for nothing
 * is left as it is.
 */
export function interpolate(
  text: string,
  unquoted: boolean,
  { env, folder, seen }: Environment & { readonly folder: string },
): Interpolated {
  if (!text.includes('${')) return { value: text, hidden: [], wrong: [] }
  const hidden: Hidden[] = []
  const wrong: { offset: number; message: string; suggestion?: string }[] = []
  const value = text.replace(REFERENCE, (whole, escaped: string | undefined, name: string, offset: number) => {
    if (escaped) return whole.slice(1)
    const found = name.startsWith('file:') ? contents(resolve(folder, name.slice(5)), name, seen) : variable(name, env)
    if ('message' in found) {
      wrong.push({ offset, ...found })
      return whole
    }
    hidden.push({ name: whole, value: found.value })
    return found.value
  })
  const whole = unquoted && hidden.length === 1 && hidden[0]?.name === text
  return { value: whole ? typed(value) : value, hidden, wrong }
}

type Found = { readonly value: string } | { readonly message: string; readonly suggestion?: string }

function variable(name: string, env: Environment['env']): Found {
  if (!NAME.test(name))
    return { message: `"\${${name}}" is no variable; write \${NAME} or \${file:path}, or $\${ for the characters` }
  const value = Object.hasOwn(env, name) ? env[name] : undefined
  if (value !== undefined) return { value }
  const close = nearest(name, Object.keys(env))
  return {
    message: `the environment variable ${name} is not set`,
    suggestion: close ? `${close} is set; or set ${name}` : `set ${name} before starting`,
  }
}

/** A trailing line break is no part of a secret. A device or a pipe may have no end, and is not read. */
function contents(path: string, name: string, seen: Seen | undefined): Found {
  see(seen, path)
  try {
    const found = statSync(path)
    if (!found.isFile()) return { message: `${name} is no file` }
    if (found.size > MAX_FILE) return { message: `${name} is larger than 1 MiB` }
    return { value: readFileSync(path, 'utf8').replace(/\r?\n$/, '') }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return { message: `${name}: ${code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`}` }
  }
}

function typed(text: string): unknown {
  if (/^-?(0|[1-9]\d*)(\.\d+)?$/.test(text)) return Number(text)
  return text === 'true' ? true : text === 'false' ? false : text
}
