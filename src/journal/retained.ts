/** Reads back the events that the journal remembers, in the order of append, block by block. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { GatewayError } from '../errors.ts'
import { Blocks } from './blocks.ts'
import type { RetainedEvent, Span } from './journal.ts'
import { numberKey, TABLE, tableStart } from './keys.ts'
import { Store } from './store.ts'
import { readSums } from './totals.ts'

/** Blocks read in one go: a read transaction that stays open keeps LMDB from using the room of what has gone. */
const BLOCKS = 4
/** Others wait for no longer than this. */
const SLICE_MS = 4
/** The clock is looked at once in so many events: that costs more than most of them. */
const LOOK = 16

/** What reading needs of a journal that is open. */
export interface RetainedHost {
  readonly store: Store
  readonly blocks: Blocks
  /** The number of the next event that reaches the disk. */
  readonly shown: number
}

export async function* retained({ store, blocks, shown }: RetainedHost, span: Span): AsyncGenerator<RetainedEvent> {
  const end = numberKey(TABLE.events, shown)
  let start = tableStart(TABLE.events)
  let began = performance.now()
  for (let read = 1, looked = 1; read > 0; ) {
    const page = [...store.range(start, end, BLOCKS)]
    read = page.length
    for (const { key, value } of page) {
      start = Buffer.concat([key, Buffer.from([0])])
      for (const event of blocks.records(key.readDoubleBE(1), value, span)) {
        yield event
        if (looked++ % LOOK > 0 || performance.now() - began < SLICE_MS) continue
        await turn()
        began = performance.now()
      }
    }
    if (performance.now() - began < SLICE_MS) continue
    await turn()
    began = performance.now()
  }
}

/**
 * Lists what a journal on disk remembers, also one that a gateway has open, without writing. `damaged` hears of each
 * place that cannot be read. Rejects with `JOURNAL_CORRUPT` when nothing can be, `JOURNAL_NEWER` when not by this version.
 */
export async function* readEvents(
  path: string,
  span: Span,
  damaged: (place: string) => void,
): AsyncGenerator<RetainedEvent> {
  if (!existsSync(join(path, 'data.mdb')))
    throw new GatewayError('JOURNAL_CORRUPT', `journal (lmdb): reading "${path}": there is no journal in this folder`)
  const store = new Store(path, true)
  try {
    yield* retained({ store, blocks: new Blocks(store, damaged), shown: readSums(store).next }, span)
  } finally {
    await store.close()
  }
}
