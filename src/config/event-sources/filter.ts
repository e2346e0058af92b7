/** Turns the filters of an `event_sources` document into conditions, each character of them still to be found. */

import type { Path } from '../tree.ts'
import { type Traced, traced } from './expansion.ts'

/** Texts stand first, so that a name inside one is left alone. */
const TEXT_OR_NAME = /'''[\s\S]*?'''|"""[\s\S]*?"""|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|(?<![\w.])event_type(?!\w)/g

interface Condition {
  readonly text: string
  readonly origin: (offset: number) => number
}

/** The condition that a filter is: the same expression, in which `event_type` is the attribute `type`. */
export function condition(filter: string): Condition {
  const shifts: { readonly after: number; readonly by: number }[] = []
  let by = 0
  const text = filter.replace(TEXT_OR_NAME, (found, offset: number) => {
    if (found !== 'event_type') return found
    const after = offset - by + 'type'.length
    by += 'event_type'.length - 'type'.length
    shifts.push({ after, by })
    return 'type'
  })
  return { text, origin: (offset) => offset + (shifts.findLast(({ after }) => after <= offset)?.by ?? 0) }
}

/** What `when` of a route is, given a filter that was written at a path, after a condition of our own. */
export function when(ours: string | undefined, filter: string | undefined, at: Path): Traced | string | undefined {
  if (filter === undefined || filter.trim() === '') return ours
  const { text, origin } = condition(filter)
  if (ours === undefined) return traced(text, at, origin)
  const before = `${ours} && (`
  const inside = (offset: number): number => Math.max(0, Math.min(offset - before.length, text.length))
  return traced(`${before}${text})`, at, (offset) => origin(inside(offset)))
}
