/** Takes what came of a delivery back to match. */

import type { CloudEvent } from '../event/index.ts'
import type { Accept } from './accept.ts'
import { asChild } from './chain.ts'
import { forGood, isFull, type Room } from './room.ts'
import type { Child } from './target.ts'

export interface EmitParts {
  readonly accept: Accept
  /** Absent where the events that these came of are not held. */
  readonly room?: Room | undefined
}

/**
 * Resolves once all of them are on disk; `id` names the delivery of `parent` that they came of. Rejects with the first
 * refusal, or with `EVENT_TOO_LARGE` when there can be no room for them beside `parent`, which stays until then.
 */
export async function emitChildren(
  children: readonly Child[],
  parent: CloudEvent,
  id: string,
  { accept, room }: EmitParts,
): Promise<void> {
  const taken = children.map((child, index) => accept(asChild(child.event, parent, id, index), child.origin))
  try {
    await Promise.all(taken)
  } catch (thrown) {
    if (!isFull(thrown) || room === undefined) throw thrown
    const results = await Promise.allSettled(taken)
    // Those that no route takes need none.
    const wanted = children.filter((_, index) => {
      const result = results[index]
      return result?.status === 'fulfilled' ? result.value.routes.length > 0 : isFull(result?.reason)
    })
    throw forGood(
      thrown,
      [parent],
      wanted.map(({ event }) => event),
      room,
    )
  }
}
