/** Chooses one of several weighted targets by a key, so that the same key goes to the same target. */

import { createHash } from 'node:crypto'
import type { CloudEvent } from '../event/index.ts'
import type { Route, Target } from './route.ts'

/** The target of one event, and what it was chosen by. */
export interface Choice {
  readonly target: Target
  /** Such as `subject "cat.jpg"`. */
  readonly by: string
}

/**
 * Returns the target of a route with weights; undefined for a route without. The key is the value of `order_by` where
 * there is one, else the subject, else source and id.
 *
 * Weighted rendezvous hashing: each target draws a score from key and target alone and the highest wins, so that a
 * changed weight moves just the keys that the change is about, and the rest stay where they are.
 */
export function choose({ to, weights }: Route, event: CloudEvent, orderKey: string | undefined): Choice | undefined {
  if (weights === undefined) return undefined
  const [name, key] = keyOf(event, orderKey)
  let best: Target | undefined
  let highest = Number.NEGATIVE_INFINITY
  to.forEach((target, at) => {
    const weight = weights[at] ?? 0
    const score = weight === 0 ? Number.NEGATIVE_INFINITY : weight / -Math.log(draw(target.text, key))
    if (score <= highest) return
    highest = score
    best = target
  })
  return best && { target: best, by: `${name} ${JSON.stringify(key)}` }
}

function keyOf({ id, source, subject }: CloudEvent, orderKey: string | undefined): readonly [string, string] {
  if (orderKey !== undefined) return ['order_by', orderKey]
  return subject === undefined ? ['source and id', `${source} ${id}`] : ['subject', subject]
}

const BITS = 2 ** 48

/** A number above 0 and below 1 that looks random and is the same each time. */
function draw(target: string, key: string): number {
  const hash = createHash('sha256').update(`${target.length}:${target}${key}`).digest()
  return (hash.readUIntBE(0, 6) + 0.5) / BITS
}
