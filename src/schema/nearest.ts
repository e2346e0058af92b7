/** Finds the name that a misspelt one was meant to be. */

/**
 * Returns the candidate nearest to `name`, or undefined when none is near: at most one edit in three letters, two
 * neighbours that changed places counting as one edit, case as none.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase().slice(0, 64)
  let best: string | undefined
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1
  for (const candidate of candidates) {
    const cost = candidate === name ? least : distance(wanted, candidate.toLowerCase().slice(0, 64))
    if (cost < least) [best, least] = [candidate, cost]
  }
  return best
}

/** Edits that turn one text into the other: insert, remove, change, swap neighbours. */
function distance(left: string, right: string): number {
  let before: number[] = []
  let last = Array.from({ length: right.length + 1 }, (_, at) => at)
  for (let row = 1; row <= left.length; row++) {
    const next = [row]
    for (let at = 1; at <= right.length; at++) {
      const change = (last[at - 1] ?? 0) + (left[row - 1] === right[at - 1] ? 0 : 1)
      let cost = Math.min(change, (last[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1)
      if (row > 1 && at > 1 && left[row - 1] === right[at - 2] && left[row - 2] === right[at - 1])
        cost = Math.min(cost, (before[at - 2] ?? 0) + 1)
      next.push(cost)
    }
    before = last
    last = next
  }
  return last[right.length] ?? 0
}
