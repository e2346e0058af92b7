/** Dead letters: what they may be asked for by, and pages of them whose cost does not grow with what is not on them. */

import * as z from 'zod'
import type { DeadLetter, DeadLetterFilter, Journal } from '../journal/journal.ts'
import { groupOf } from './groups.ts'
import { Problem } from './problem.ts'
import { defined, instant, parse, parseBody } from './request.ts'

const filterFields = {
  route: z.string().min(1).optional(),
  code: z.string().min(1).optional(),
  since: instant.optional(),
}

const group = z.string().min(1).optional()

const pageQuery = z.strictObject({
  ...filterFields,
  group,
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  /** `next` of the page before. */
  after: z
    .string()
    .regex(/^\d+:.+$/s)
    .optional(),
})

const change = z.strictObject({
  filter: z.strictObject({ ...filterFields, group, ids: z.array(z.string().min(1)).min(1).optional() }),
  to: z.string().min(1).optional(),
})

const resending = z.strictObject({
  id: z.string().min(1),
  data: z.base64().transform((text) => Buffer.from(text, 'base64')),
  contentType: z.string().min(1).exactOptional(),
  to: z.string().min(1).exactOptional(),
})

/** Dead letters to be changed. */
export interface Change {
  readonly filter: DeadLetterFilter
  /** Those of this group alone. */
  readonly group?: string
  /** The target that is to get them instead of their own. */
  readonly to?: string
}

export interface Page {
  readonly letters: readonly DeadLetter[]
  /** What `after` of the next page is; undefined on the last one. */
  readonly next: string | undefined
}

/** Resolves to a page, oldest first. Throws a Problem when the query is wrong. */
export async function readPage(journal: Pick<Journal, 'deadLetters'>, query: unknown): Promise<Page> {
  const { after, group, limit, ...filter } = parse(pageQuery, query)
  const place = after === undefined ? undefined : readPlace(after)
  const letters: DeadLetter[] = []
  for await (const letter of behind(place, journal.deadLetters(narrowed(defined(filter), place?.at)))) {
    if (group !== undefined && groupOf(letter.to, letter.error) !== group) continue
    if (letters.length === limit) return { letters, next: writePlace(letters.at(-1)) }
    letters.push(letter)
  }
  return { letters, next: undefined }
}

/** Reads the body of a redrive or a drop. Throws a Problem when it is wrong or would take everything. */
export function readChange(body: Buffer): Change {
  const { filter: asked, to } = parseBody(change, body)
  const { group, ...filter } = asked
  if (Object.keys(defined(asked)).length === 0) {
    throw new Problem(
      400,
      'FILTER_EMPTY',
      'the filter is empty and would take every dead letter; name ids, route, code, since or group',
    )
  }
  return { filter: defined(filter), ...defined({ group, to }) }
}

/** Reads the body of a resend. Throws a Problem when it is wrong. */
export const readResend = (body: Buffer): z.output<typeof resending> => parseBody(resending, body)

/** Reads the filter of a list. Throws a Problem when it is wrong. */
export const readFilter = (query: unknown): DeadLetterFilter => defined(parse(z.strictObject(filterFields), query))

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
