/** Which sinks are gone, over a restart: each is tried with one delivery then, before the others follow. */

import type { Journal } from '../journal/journal.ts'

export interface GoneSinks {
  has(sink: string): boolean
  add(sink: string): void
  remove(sink: string): void
}

/** Remembers nothing. */
export const NONE_GONE: GoneSinks = { has: () => false, add: () => undefined, remove: () => undefined }

/** Where the journal keeps their names, as JSON. */
const CURSOR = 'headgate.gone'

/** Reads those that were gone when the gateway ran last, and keeps what becomes of them in the journal. */
export async function readGone(journal: Pick<Journal, 'cursor' | 'setCursor'>): Promise<GoneSinks> {
  const gone = new Set<string>(JSON.parse((await journal.cursor(CURSOR)) ?? '[]'))
  const keep = (): void => {
    // What was not written is learnt again; a journal that writes no more says so itself.
    journal.setCursor(CURSOR, JSON.stringify([...gone])).catch(() => undefined)
  }
  return {
    has: (sink) => gone.has(sink),
    add(sink) {
      if (gone.has(sink)) return
      gone.add(sink)
      keep()
    },
    remove(sink) {
      if (gone.delete(sink)) keep()
    },
  }
}
