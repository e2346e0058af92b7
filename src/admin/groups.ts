/** Dead letters that died of the same thing: one group for each code, target, build of it, and place or shape of the error. */

import { createHash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import type { DeadLetter, DeadLetterFilter, Failure, Journal } from '../journal/journal.ts'

type Letters = Pick<Journal, 'deadLetters'>

/** Dead letters that died of the same thing. */
export interface Group {
  readonly group: string
  readonly code: string
  /** The target, with its version where it has one. */
  readonly to: string
  readonly routes: readonly string[]
  /** Where it broke; the message without what differs from event to event, when no place is known. */
  readonly site: string
  readonly count: number
  /** Milliseconds since the epoch: the first error and the last. */
  readonly firstAt: number
  readonly lastAt: number
  /** The id of the first of them. */
  readonly example: string
}

/** What is told at most; letters of further groups are counted. */
const MOST_GROUPS = 1_000
const SHAPE_LENGTH = 200
/** Characters of a message that are looked at. */
const LOOKED_AT = 1_000
/** Letters read between two turns of the event loop. */
const SLICE = 64

/** Names what a delivery to a target died of: the same for whatever died of the same. */
export function groupOf(to: string, error: Failure): string {
  const what = [error.detailCode ?? error.code, to, siteOf(error), error.digest]
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 10)
}

const siteOf = ({ fingerprint, message }: Failure): string => fingerprint ?? shapeOf(message)

/** A message without what differs from event to event: what is quoted, numbers, identifiers. */
export const shapeOf = (message: string): string =>
  message
    .slice(0, LOOKED_AT)
    .replace(/"(?:[^"\\]|\\.)*"/g, '"…"')
    .replace(/\b(?=[\w-]*\d)[\w-]+\b/g, '#')
    .slice(0, SHAPE_LENGTH)

/** Resolves to the groups, the largest first, and to how many letters belong to none of them for want of room. */
export async function readGroups(
  journal: Letters,
  filter: DeadLetterFilter,
): Promise<{ readonly groups: readonly Group[]; readonly others: number }> {
  const found = new Map<
    string,
    { letter: DeadLetter; routes: Set<string>; count: number; firstAt: number; lastAt: number }
  >()
  let others = 0
  for await (const letter of gently(journal.deadLetters(filter))) {
    const group = groupOf(letter.to, letter.error)
    const held = found.get(group)
    if (held) {
      held.count++
      held.routes.add(letter.route)
      held.firstAt = Math.min(held.firstAt, letter.firstAt)
      held.lastAt = Math.max(held.lastAt, letter.lastAt)
    } else if (found.size >= MOST_GROUPS) others++
    else
      found.set(group, {
        letter,
        routes: new Set([letter.route]),
        count: 1,
        firstAt: letter.firstAt,
        lastAt: letter.lastAt,
      })
  }
  const groups = Array.from(found, ([group, { letter, routes, ...counts }]) => ({
    group,
    code: letter.error.detailCode ?? letter.error.code,
    to: letter.to,
    routes: [...routes],
    site: siteOf(letter.error),
    ...counts,
    example: letter.id,
  }))
  return { groups: groups.sort((a, b) => b.count - a.count), others }
}

/** Resolves to a filter of those in a group, by their ids; without a group, to the filter as it is. */
export async function ofGroup(
  journal: Letters,
  filter: DeadLetterFilter,
  group: string | undefined,
): Promise<DeadLetterFilter> {
  if (group === undefined) return filter
  const ids: string[] = []
  for await (const { error, id, to } of gently(journal.deadLetters(filter)))
    if (groupOf(to, error) === group) ids.push(id)
  return { ...filter, ids }
}

/** The same, with a turn for others every now and then. */
export async function* gently<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
  let read = 0
  for await (const item of items) {
    yield item
    if (++read % SLICE === 0) await turn()
  }
}
