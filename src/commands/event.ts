/** Reads an event that a person wrote: what every event has may be left out. */

import * as z from 'zod'
import { type CloudEvent, parseJsonEvent, uuidv7 } from '../event/index.ts'
import { inputError } from './exit.ts'
import { readInput } from './input.ts'

const members = z.record(z.string(), z.unknown())

/** Reads a CloudEvent in its JSON format; `specversion`, `id` and `source` are filled in when they are absent. */
export async function readEvent(path: string): Promise<CloudEvent> {
  const bytes = await readInput(path)
  const written = parseObject(bytes, path)
  const absent = Object.entries({ specversion: '1.0', id: uuidv7(), source: '/headgate/send' }).filter(
    ([name]) => !(name in written),
  )
  // The text itself goes on, not what JSON.parse made of it: large numbers in data keep their digits.
  return parseJsonEvent(absent.length === 0 ? bytes : prepend(absent, bytes))
}

function parseObject(bytes: Buffer, path: string): Readonly<Record<string, unknown>> {
  const where = path === '-' ? 'standard input' : `"${path}"`
  let value: unknown
  try {
    value = JSON.parse(bytes.toString())
  } catch (error) {
    throw inputError(`reading ${where}: not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  const read = members.safeParse(value)
  if (!read.success) throw inputError(`reading ${where}: expected one event, which is a JSON object`)
  return read.data
}

function prepend(absent: readonly (readonly [string, string])[], bytes: Buffer): Buffer {
  const head = absent.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')
  const inner = bytes.toString().replace(/^\uFEFF?\s*\{/, '')
  return Buffer.from(`{${head}${/^\s*\}/.test(inner) ? '' : ','}${inner}`)
}
