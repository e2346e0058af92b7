/** Dead letters: what they may be asked for by, and pages of them whose cost does not grow with what is not on them. */

import * as z from 'zod'
import type { DeadLetter, DeadLetterFilter, Journal } from '../journal/journal.ts'
import { parseDuration } from '../schema/index.ts'
import { Problem } from './problem.ts'

/** An instant in RFC 3339, or how long ago: `1h`. Milliseconds since the epoch. */
const since = z.string().transform((text, context) => {
  const ago = parseDuration(text)
  const at = ago === undefined ? Date.parse(text) : Date.now() - ago
  if (!Number.isNaN(at)) return at
  context.addIssue({
    code: 'custom',
    message: `"${text}" is neither a time such as 2026-11-20T10:00:00Z nor a duration such as 1h`,
  })
  return z.NEVER
})

const filterFields = {
  route: z.string().min(1).optional(),
  code: z.string().min(1).optional(),
  since: since.optional(),
}

const pageQuery = z.strictObject({
  ...filterFields,
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  /** `next` of the page before. */
  after: z
    .string()
    .regex(/^\d+:.+$/s)
    .optional(),
})

const change = z.strictObject({
  filter: z.strictObject({ ...filterFields, ids: z.array(z.string().min(1)).min(1).optional() }),
})

export interface Page {
  readonly letters: readonly DeadLetter[]
  /** What `after` of the next page is; undefined on the last one. */
  readonly next: string | undefined
}

/** Resolves to a page, oldest first. Throws a Problem when the query is wrong. */
export async function readPage(journal: Pick<Journal, 'deadLetters'>, query: unknown): Promise<Page> {
  const { after, limit, ...filter } = parse(pageQuery, query)
  const place = after === undefined ? undefined : readPlace(after)
  const letters: DeadLetter[] = []
  for await (const letter of behind(place, journal.deadLetters(narrowed(defined(filter), place?.at)))) {
    if (letters.length === limit) return { letters, next: writePlace(letters.at(-1)) }
    letters.push(letter)
  }
  return { letters, next: undefined }
}

/** Reads the body of a redrive or a drop. Throws a Problem when it is wrong or would take everything. */
export function readChange(body: Buffer): DeadLetterFilter {
  const filter = defined(parse(change, parseJson(body)).filter)
  if (Object.keys(filter).length === 0) {
    throw new Problem(
      400,
      'FILTER_EMPTY',
      'the filter is empty and would take every dead letter; name ids, route, code or since',
    )
  }
  return filter
}

interface Place {
  readonly at: number
  readonly id: string
}

/** The journal lists by time of death, so a place is a time and, among those of one millisecond, an id. */
function readPlace(after: string): Place {
  const colon = after.indexOf(':')
  return { at: Number(after.slice(0, colon)), id: after.slice(colon + 1) }
}

const writePlace = (letter: DeadLetter | undefined): string | undefined => letter && `${letter.lastAt}:${letter.id}`

const narrowed = (filter: DeadLetterFilter, at: number | undefined): DeadLetterFilter =>
  at === undefined ? filter : { ...filter, since: Math.max(at, filter.since ?? 0) }

/** Yields what comes after a place. When the letter there is gone, those of its millisecond come again: better than never. */
async function* behind(place: Place | undefined, letters: AsyncIterable<DeadLetter>): AsyncGenerator<DeadLetter> {
  let held: DeadLetter[] | undefined = place && []
  for await (const letter of letters) {
    if (held && letter.lastAt === place?.at) {
      held = letter.id === place.id ? undefined : [...held, letter]
      continue
    }
    if (held) yield* held
    held = undefined
    yield letter
  }
  if (held) yield* held
}

function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const { data, error } = schema.safeParse(value)
  if (error === undefined) return data as z.output<T>
  const [issue] = error.issues
  const where = issue?.path.length ? `${issue.path.join('.')}: ` : ''
  throw new Problem(400, 'REQUEST_INVALID', `${where}${issue?.message ?? 'not valid'}`)
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new Problem(400, 'REQUEST_INVALID', 'the body is not JSON')
  }
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** Drops members that are undefined: absent is another thing to the contracts. */
const defined = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Defined<T>
