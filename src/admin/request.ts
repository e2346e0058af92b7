/** What a request asks for, checked: queries, bodies of JSON, times. */

import * as z from 'zod'
import { parseDuration } from '../schema/index.ts'
import { Problem } from './problem.ts'

/** An instant in RFC 3339, or how long ago: `1h`. Milliseconds since the epoch. */
export const instant = z.string().transform((text, context) => {
  const ago = parseDuration(text)
  const at = ago === undefined ? Date.parse(text) : Date.now() - ago
  if (!Number.isNaN(at)) return at
  context.addIssue({
    code: 'custom',
    message: `"${text}" is neither a time such as 2026-11-20T10:00:00Z nor a duration such as 1h`,
  })
  return z.NEVER
})

/** Reads what a schema describes. Throws a Problem with the first thing that is wrong. */
export function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const { data, error } = schema.safeParse(value)
  if (error === undefined) return data as z.output<T>
  const [issue] = error.issues
  const where = issue?.path.length ? `${issue.path.join('.')}: ` : ''
  throw new Problem(400, 'REQUEST_INVALID', `${where}${issue?.message ?? 'not valid'}`)
}

/** Reads a body. Throws a Problem when it is no JSON, or not as the schema says. */
export function parseBody<T extends z.ZodType>(schema: T, body: Buffer): z.output<T> {
  let value: unknown
  try {
    value = JSON.parse(body.toString())
  } catch {
    throw new Problem(400, 'REQUEST_INVALID', 'the body is not JSON')
  }
  return parse(schema, value)
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** Drops members that are undefined: absent is another thing to the contracts. */
export const defined = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Defined<T>
