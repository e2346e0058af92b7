/** Which mistakes are told when a file is full of them: the first of each kind, and how many more there are. */

import type { Problem } from './problem.ts'

/** Mistakes of one kind that are told. Ten thousand lines of the same help nobody. */
export const MOST_OF_A_KIND = 50

export interface Told {
  readonly problems: readonly Problem[]
  /** A line for each kind that there is more of. */
  readonly more: readonly string[]
}

/** Keeps the first of each kind, in order. Mistakes are of one kind when their messages differ in names and numbers alone. */
export function told(problems: readonly Problem[]): Told {
  const kinds = new Map<string, { readonly first: Problem; count: number }>()
  const kept = problems.filter((problem) => {
    const kind = problem.message.replace(/"[^"]*"|\d+/g, '"')
    const known = kinds.get(kind) ?? { first: problem, count: 0 }
    kinds.set(kind, known)
    return ++known.count <= MOST_OF_A_KIND
  })
  const over = [...kinds.values()].filter(({ count }) => count > MOST_OF_A_KIND)
  const more = over.map(
    ({ first, count }) => `${count - MOST_OF_A_KIND} more like ${first.file}:${first.line}: ${first.message}`,
  )
  return { problems: kept, more }
}

/** The first of what has one key, at most so many. */
export function firstOfEach<T>(items: Iterable<T>, keyOf: (item: T) => unknown, most: number): readonly T[] {
  const firsts = new Map<unknown, T>()
  for (const item of items) {
    if (firsts.size >= most) break
    const key = keyOf(item)
    if (!firsts.has(key)) firsts.set(key, item)
  }
  return [...firsts.values()]
}
