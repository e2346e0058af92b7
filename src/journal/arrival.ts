/** An append on its way to disk, and where it came to lie. */

import type { GatewayError } from '../errors.ts'
import type { Block } from './block.ts'
import type { LaneFeed } from './feed.ts'
import type { Appended, Entry } from './journal.ts'
import type { RecordDraft } from './record.ts'

/** An append that is not on disk yet. */
export interface Arrival {
  readonly number: number
  readonly entry: Entry
  readonly acceptedAt: number
  readonly feeds: readonly LaneFeed[]
  readonly draft: RecordDraft
  /** Hashes of its names. */
  readonly names: readonly number[]
  readonly promise: Promise<Appended>
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: GatewayError) => void
}

/** Where an arrival came to lie. */
export interface Placed {
  readonly arrival: Arrival
  readonly block: Block
  readonly firstSlot: number
}
